// The queries that were typed in this browser, the latest first.

import { readStored, useStored, writeStored } from "../frame/stored";

const NAME = "queries";
const QUERIES_MAX = 100;
const LENGTH_MAX = 2_000;

function parsed(text: string | null): string[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.filter((query): query is string => typeof query === "string") : [];
  } catch {
    return [];
  }
}

export function remember(query: string): void {
  const trimmed = query.trim();
  if (trimmed === "" || trimmed.length > LENGTH_MAX) return;
  const others = parsed(readStored(NAME)).filter((known) => known !== trimmed);
  writeStored(NAME, JSON.stringify([trimmed, ...others].slice(0, QUERIES_MAX)));
}

export function useHistory(): string[] {
  const [text] = useStored(NAME, "[]");
  return parsed(text);
}
