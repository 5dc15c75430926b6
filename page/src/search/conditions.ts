// Clicks that change the query: include, exclude, only. One place, so that the field list, the record and the chart do the
// same.

import { currentLocation, navigate } from "../frame/location";
import { remember } from "./history";
import { termOf, withTerm } from "./query_text";

export function currentQuery(): string {
  return currentLocation().params["query"] ?? "";
}

export function runQuery(query: string): void {
  remember(query);
  navigate({ query: query || undefined, record: undefined });
}

export function includeTerm(term: string): void {
  runQuery(withTerm(currentQuery(), term));
}

export function include(field: string, value: unknown): void {
  includeTerm(termOf(field, value));
}

export function exclude(field: string, value: unknown): void {
  const term = termOf(field, value);
  includeTerm(term.startsWith("NOT ") ? term.slice(4) : `NOT ${term}`);
}

export function only(field: string, value: unknown): void {
  runQuery(termOf(field, value));
}
