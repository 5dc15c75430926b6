// Keys: one listener, and a list that the overview shows, so that no key works that is not told.

import { useEffect, useRef } from "preact/hooks";

import { readStored } from "./stored";

export interface KeyBinding {
  /** `j`, `Enter`, `?`, or two in a row: `g s`. */
  keys: string;
  /** What it does, for the overview. */
  text: string;
  run: () => void;
  /** Works while something is typed too. */
  isAlways?: boolean;
}

interface Group {
  title: string;
  bindings: KeyBinding[];
}

const groups = new Set<Group>();
const SEQUENCE_MS = 1200;
let first = "";
let firstAt = 0;

/** The keys of a view or a part of one, for as long as it is shown. Those of what was shown last come first. */
export function useKeys(title: string, bindings: KeyBinding[]): void {
  const group = useRef<Group>({ title, bindings });
  group.current.title = title;
  group.current.bindings = bindings;
  useEffect(() => {
    groups.add(group.current);
    return () => {
      groups.delete(group.current);
    };
  }, []);
}

export function allKeys(): Group[] {
  const merged = new Map<string, Group>();
  for (const { title, bindings } of groups) {
    const known = merged.get(title);
    if (known) known.bindings = [...known.bindings, ...bindings];
    else merged.set(title, { title, bindings: [...bindings] });
  }
  return [...merged.values()];
}

export function listenForKeys(): () => void {
  window.addEventListener("keydown", onKey);
  return () => window.removeEventListener("keydown", onKey);
}

export function areSingleKeysOn(): boolean {
  return readStored("single_keys") !== "off";
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // What is open above everything has its own keys.
  if (document.querySelector("dialog[open]")) return;
  const isControl = event.target instanceof HTMLElement && /^(BUTTON|A|SUMMARY)$/.test(event.target.tagName);
  // Enter and the space bar press what has the focus.
  if (isControl && (event.key === "Enter" || event.key === " ")) return;
  // Arrows scroll what has the focus and is no list of records.
  const isScrolled = event.target instanceof HTMLElement && event.target.closest("[role=tabpanel], [role=dialog]") !== null;
  if (isScrolled && /^(Arrow|Home|End)/.test(event.key)) return;
  const isText = isTyping(event.target);
  if (event.key.length === 1 && !areSingleKeysOn()) return;
  const sequence = first && performance.now() - firstAt < SEQUENCE_MS ? `${first} ${event.key}` : event.key;
  first = "";
  const binding = find(sequence, isText) ?? find(event.key, isText);
  if (binding) {
    event.preventDefault();
    binding.run();
    return;
  }
  if (!isText && hasSequence(event.key)) {
    first = event.key;
    firstAt = performance.now();
  }
}

function find(keys: string, isText: boolean): KeyBinding | undefined {
  for (const group of [...groups].reverse()) {
    const found = group.bindings.find((binding) => binding.keys === keys && (!isText || binding.isAlways));
    if (found) return found;
  }
  return undefined;
}

function hasSequence(key: string): boolean {
  return [...groups].some((group) => group.bindings.some((binding) => binding.keys.startsWith(`${key} `)));
}
