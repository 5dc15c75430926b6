// What this browser remembers: preferences only, never data of the logs beyond the queries that were typed.

import { useEffect, useState } from "preact/hooks";

export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(`weir.${name}`);
  } catch {
    return null;
  }
}

export function writeStored(name: string, value: string): void {
  try {
    localStorage.setItem(`weir.${name}`, value);
  } catch {
    // Private windows may have no room; the choice then lasts as long as the page.
  }
  memory.set(name, value);
  window.dispatchEvent(new CustomEvent("weir:stored", { detail: name }));
}

const memory = new Map<string, string>();

/** A text that all components share and the browser keeps. */
export function useStored(name: string, initial: string): [string, (value: string) => void] {
  const read = () => readStored(name) ?? memory.get(name) ?? initial;
  const [value, setValue] = useState(read);
  useEffect(() => {
    const update = (event: Event) => {
      if ((event as CustomEvent).detail === name) setValue(read());
    };
    window.addEventListener("weir:stored", update);
    return () => window.removeEventListener("weir:stored", update);
  }, [name]);
  return [value, (next) => writeStored(name, next)];
}
