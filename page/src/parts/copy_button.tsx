// A button that copies, and shows for a moment that it did.

import { useState } from "preact/hooks";

import { searchText } from "../text";
import { copy } from "./copy";

const SHOWN_MS = 1500;

export function CopyButton({ text, label, ...props }: { text: () => string; label: string; class?: string }) {
  const [isCopied, setCopied] = useState(false);
  const run = async () => {
    setCopied(await copy(text()));
    window.setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <button type="button" class={props.class ?? "button"} onClick={() => void run()}>
      {isCopied ? `✓ ${searchText.copied}` : label}
    </button>
  );
}
