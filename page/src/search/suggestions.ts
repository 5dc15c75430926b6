// What can be typed next: fields, the values that a field has in this time, operators, and earlier queries.

import { useEffect, useState } from "preact/hooks";

import { type FieldRow, type Span, fields } from "../api/records";
import { whole } from "../format/number";
import { searchText } from "../text";
import { type Typing, fieldName, quoted, typingAt } from "./query_text";

export interface Suggestion {
  /** What stands in the list. */
  text: string;
  /** Why it is there: its kind, its count. */
  note: string;
  /** The query with it, and where the caret goes. */
  query: string;
  caret: number;
}

const SHOWN_MAX = 12;
const VALUES_ASKED = 50;
const TYPING_MS = 120;

export function useSuggestions(query: string, caret: number, isOpen: boolean, span: Span, known: FieldRow[], history: string[]): Suggestion[] {
  const typing = typingAt(query, caret);
  const values = useValues(isOpen && typing.kind === "value" ? typing : undefined, span);
  if (!isOpen) return [];
  if (query.trim() === "") return historySuggestions(history);
  return typing.kind === "value" ? valueSuggestions(query, typing, values) : fieldSuggestions(query, typing, known);
}

function historySuggestions(history: string[]): Suggestion[] {
  return history.slice(0, SHOWN_MAX).map((query) => ({ text: query, note: searchText.recent, query, caret: query.length }));
}

function fieldSuggestions(query: string, typing: Typing, known: FieldRow[]): Suggestion[] {
  const prefix = typing.prefix.toLowerCase();
  if (prefix === "" || prefix.includes(":")) return [];
  const rank = ({ name }: FieldRow) => (name.toLowerCase().startsWith(prefix) ? 0 : 1);
  return known
    .filter(({ name }) => name.toLowerCase().includes(prefix) && !name.startsWith("_id"))
    .sort((left, right) => rank(left) - rank(right) || right.count - left.count)
    .slice(0, SHOWN_MAX)
    .map(({ name, kind }) => replaced(query, typing, `${fieldName(name)}:`, name, kind));
}

function valueSuggestions(query: string, typing: Typing, values: FieldRow | undefined): Suggestion[] {
  const prefix = typing.prefix.toLowerCase();
  const matches = (values?.top ?? []).filter(({ value }) => String(value).toLowerCase().includes(prefix));
  return matches
    .slice(0, SHOWN_MAX)
    .map(({ value, count }) => replaced(query, typing, `${quoted(value)} `, String(value), searchText.value(whole(count))));
}

function replaced(query: string, { start, end }: Typing, inserted: string, text: string, note: string): Suggestion {
  const rest = query.slice(end);
  return { text, note, query: query.slice(0, start) + (rest.startsWith(" ") ? inserted.trimEnd() : inserted) + rest, caret: start + inserted.length };
}

/** The values of the field that is being typed; asked again when what was typed could not have been among the first. */
function useValues(typing: Typing | undefined, span: Span): FieldRow | undefined {
  const [row, setRow] = useState<FieldRow>();
  const field = typing?.field ?? "";
  const isKnown = row?.name === field && (row.distinct <= row.top.length || hasPrefix(row, typing?.prefix ?? ""));
  const prefix = isKnown ? "" : (typing?.prefix ?? "");
  const key = field === "" ? "" : `${field} ${prefix} ${span.from} ${span.to}`;
  useEffect(() => {
    if (key === "") return undefined;
    const controller = new AbortController();
    const timer = window.setTimeout(() => {
      const query = prefix === "" ? "" : `${fieldName(field)}:${fieldName(prefix)}*`;
      fields({ query, from: span.from, to: span.to, field, top: VALUES_ASKED }, controller.signal).then(
        (answer) => setRow(answer.fields[0] ?? { name: field, kind: "", count: 0, distinct: 0, top: [] }),
        () => undefined,
      );
    }, TYPING_MS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [key]);
  return row?.name === field ? row : undefined;
}

function hasPrefix(row: FieldRow, prefix: string): boolean {
  return row.top.some(({ value }) => String(value).toLowerCase().startsWith(prefix.toLowerCase()));
}
