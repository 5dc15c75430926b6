// Questions about records, and the shapes of their answers, as `/api/openapi.json` has them.

import { getJson, postJson } from "./client";

/** `_id`, `@timestamp` and the fields, flat. */
export type Hit = Record<string, unknown>;

export interface AnswerNotes {
  complete_to: string | null;
  took_ms: number;
  warnings: string[];
  is_partial?: boolean;
}

export interface Span {
  query: string;
  from: string;
  to: string;
}

export interface SearchAnswer extends AnswerNotes {
  hits: Hit[];
  total: number | null;
  cursor: string | null;
}

export interface SearchQuery extends Span {
  limit?: number;
  order?: string;
  cursor?: string | undefined;
  fields?: string | undefined;
  total?: boolean;
}

export function search(query: SearchQuery, signal?: AbortSignal): Promise<SearchAnswer> {
  return getJson("api/search", { ...query }, signal);
}

export type Cell = string | number | bigint | boolean | null | unknown[];

export interface AggregateAnswer extends AnswerNotes {
  rows: Record<string, Cell>[];
  is_exact: boolean;
  error_bound: number;
  is_cut: boolean;
}

export interface AggregateRequest extends Span {
  group_by?: (string | { field: string; interval: string })[];
  metrics?: Record<string, unknown>;
  order?: string;
  limit?: number;
}

export function aggregate(request: AggregateRequest, signal?: AbortSignal): Promise<AggregateAnswer> {
  return postJson("api/aggregate", request, signal);
}

/** A query with `| stats`. */
export function statistics(span: Span, signal?: AbortSignal): Promise<AggregateAnswer> {
  return getJson("api/aggregate", { ...span }, signal);
}

export interface ValueCount {
  value: Cell;
  count: number;
}

export interface FieldRow {
  name: string;
  kind: string;
  count: number;
  distinct: number;
  top: ValueCount[];
}

export interface FieldsAnswer extends AnswerNotes {
  fields: FieldRow[];
}

export function fields(span: Span & { field?: string; top?: number }, signal?: AbortSignal): Promise<FieldsAnswer> {
  return getJson("api/fields", { ...span }, signal);
}

export interface StoryAnswer extends AnswerNotes {
  hits: Hit[];
  ids: string[];
  is_cut: boolean;
}

export interface StoryQuery {
  request_id?: string | undefined;
  trace_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export function story(query: StoryQuery, signal?: AbortSignal): Promise<StoryAnswer> {
  return getJson("api/story", { ...query }, signal);
}

export interface ContextAnswer extends AnswerNotes {
  hits: Hit[];
  position: number;
}

export function context(query: { id: string; before: number; after: number; same?: string }, signal?: AbortSignal): Promise<ContextAnswer> {
  return getJson("api/context", query, signal);
}

export interface LineAnswer {
  line: string | null;
  is_kept: boolean;
  origin: string;
  why_not: string | null;
}

/** The line that a record came from, read again where it is not kept. */
export function originalLine(id: string, signal?: AbortSignal): Promise<LineAnswer> {
  return getJson("api/line", { id }, signal);
}

export interface SavedSearch {
  name: string;
  query: string;
  from: string | null;
  to: string | null;
  columns: string[];
  saved_by: string | null;
  saved_at: string;
}

export function timeOf(hit: Hit): number {
  return Date.parse(String(hit["@timestamp"]));
}

export function idOf(hit: Hit): string {
  return String(hit["_id"]);
}
