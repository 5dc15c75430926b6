// A button and what it opens. Escape and a click elsewhere close it, and the focus goes back where it was.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface PopoverProps {
  /** What the button shows. */
  label: ComponentChildren;
  /** What the button does, for those who hear it. */
  title: string;
  class?: string;
  buttonClass?: string;
  align?: "left" | "right";
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, title, align = "left", children, ...props }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    panel.current?.querySelector<HTMLElement>("[data-first-focus], button, input, select, a[href]")?.focus();
    const onPointer = (event: PointerEvent) => {
      if (!place.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const onFocusOut = (event: FocusEvent) => {
    const next = event.relatedTarget as Node | null;
    if (next && !place.current?.contains(next)) setOpen(false);
  };
  return (
    <div class={`popover ${props.class ?? ""}`} ref={place} onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
      <button
        type="button" ref={button} class={props.buttonClass ?? "button"} title={title} aria-expanded={isOpen}
        aria-haspopup="dialog" aria-label={typeof label === "string" ? (title.includes(label) ? title : `${title}: ${label}`) : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </button>
      {isOpen && (
        <div class={`popover-panel popover-${align}`} role="dialog" aria-label={title} ref={panel}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
