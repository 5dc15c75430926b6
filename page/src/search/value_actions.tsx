// The three buttons beside a value: with it, without it, only it.

import { searchText } from "../text";
import { cut } from "../parts/visible_text";
import { exclude, include, only } from "./conditions";
import { termOf } from "./query_text";

export function ValueActions({ field, value }: { field: string; value: unknown }) {
  const term = cut(termOf(field, value), 80);
  return (
    <span class="value-actions">
      <button type="button" title={searchText.include(term)} aria-label={searchText.include(term)} onClick={() => include(field, value)}>+</button>
      <button type="button" title={searchText.exclude(term)} aria-label={searchText.exclude(term)} onClick={() => exclude(field, value)}>−</button>
      <button type="button" title={searchText.only(term)} aria-label={searchText.only(term)} onClick={() => only(field, value)}>=</button>
    </span>
  );
}
