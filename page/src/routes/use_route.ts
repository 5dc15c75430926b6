// The questions about one route: over time, in all, by target, its slowest requests and its failures.

import { getJson, postJson } from "../api/client";
import { type Answer, useAnswer } from "../api/use_answer";
import { type LatencyBin, binRange } from "./heat_bins";
import { groupMessages, type MessageGroup } from "./messages";
import { both, quoted } from "./route_query";
import type { AggregateAnswer, Hit, SearchAnswer } from "./shapes";
import type { MinuteSpan } from "./whole_minutes";

export interface Interval {
  text: string;
  ms: number;
}

export interface TimeRow {
  "@timestamp": string;
  n: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface StatusRow {
  "@timestamp": string;
  status: number | string | null;
  n: number;
}

export interface TotalRow {
  n: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  longest: number | null;
}

export interface GroupRow {
  n: number;
  p95: number | null;
  [field: string]: unknown;
}

const REQUEST_TIME = "request_time";
const percentile = (p: number) => ({ percentile: { field: REQUEST_TIME, p } });
const TIME_ROWS_MAX = 5_000;
const GROUPS_MAX = 50;

/** Asks for numbers of groups of these records. */
function aggregate<Row>(span: MinuteSpan, query: string, more: object, signal: AbortSignal): Promise<AggregateAnswer<Row>> {
  return postJson("api/aggregate", { query, from: span.from, to: span.to, ...more }, signal);
}

const keyOf = (what: string, span: MinuteSpan, query: string) => `${what} ${span.from} ${span.to} ${query}`;

export function usePercentiles(span: MinuteSpan, query: string, interval: Interval): Answer<AggregateAnswer<TimeRow>> {
  const question = {
    group_by: [{ field: "@timestamp", interval: interval.text }],
    metrics: { n: { count: {} }, p50: percentile(50), p95: percentile(95), p99: percentile(99) },
    limit: TIME_ROWS_MAX,
  };
  return useAnswer(keyOf("percentiles", span, query), (signal) => aggregate<TimeRow>(span, query, question, signal));
}

export function useStatuses(span: MinuteSpan, query: string, interval: Interval): Answer<AggregateAnswer<StatusRow>> {
  const question = {
    group_by: ["status", { field: "@timestamp", interval: interval.text }],
    metrics: { n: { count: {} } },
    limit: TIME_ROWS_MAX * 10,
  };
  return useAnswer(keyOf("statuses", span, query), (signal) => aggregate<StatusRow>(span, query, question, signal));
}

export function useTotals(
  span: MinuteSpan,
  query: string,
): Answer<{ all: TotalRow | undefined; failed: number; completeTo: string | null; warnings: string[]; isPartial: boolean }> {
  return useAnswer(keyOf("totals", span, query), async (signal) => {
    const metrics = {
      n: { count: {} },
      p50: percentile(50),
      p95: percentile(95),
      p99: percentile(99),
      longest: { max: { field: REQUEST_TIME } },
    };
    const all = await aggregate<TotalRow>(span, query, { metrics }, signal);
    const failed = await aggregate<{ n: number }>(span, both(query, "status:>=500"), { metrics: { n: { count: {} } } }, signal);
    return { all: all.rows[0], failed: failed.rows[0]?.n ?? 0, completeTo: all.complete_to, warnings: all.warnings, isPartial: all.is_partial };
  });
}

/** Rows that are asked for together: the server answers two questions per core at a time, and others ask too. */
const QUESTIONS_AT_ONCE = 2;

/** One row of the map: its counts by the start of the interval, in milliseconds. */
export type HeatRow = Map<number, number>;

/** The map, one question per row, so that each cell is an exact count. */
export function useHeatMap(span: MinuteSpan, query: string, interval: Interval, bins: LatencyBin[] | null): Answer<HeatRow[]> {
  const key = bins === null ? null : `${keyOf("heat", span, query)} ${bins.length}`;
  return useAnswer(key, async (signal) => {
    const rowOf = async (bin: LatencyBin): Promise<HeatRow> => {
      const answer = await aggregate<TimeRow>(span, both(query, binRange(bin)), question, signal);
      return new Map(answer.rows.map((row) => [Date.parse(row["@timestamp"]), row.n]));
    };
    const rows: HeatRow[] = [];
    const question = { group_by: [{ field: "@timestamp", interval: interval.text }], metrics: { n: { count: {} } }, limit: TIME_ROWS_MAX };
    for (let first = 0; first < (bins ?? []).length; first += QUESTIONS_AT_ONCE) {
      rows.push(...(await Promise.all((bins ?? []).slice(first, first + QUESTIONS_AT_ONCE).map(rowOf))));
    }
    return rows;
  });
}

/** Numbers by a field, with the failures of each value. */
export function useGroups(span: MinuteSpan, query: string, field: string): Answer<{ rows: GroupRow[]; failed: Map<unknown, number> }> {
  return useAnswer(keyOf(`groups ${field}`, span, query), async (signal) => {
    const question = { group_by: [field], metrics: { n: { count: {} }, p95: percentile(95) }, order: "-n", limit: GROUPS_MAX };
    const all = await aggregate<GroupRow>(span, query, question, signal);
    const failed = await aggregate<GroupRow>(
      span,
      both(query, "status:>=500"),
      { group_by: [field], metrics: { n: { count: {} } }, limit: GROUPS_MAX },
      signal,
    );
    return { rows: all.rows, failed: new Map(failed.rows.map((row) => [row[field], row.n])) };
  });
}

export const SLOWEST_SHOWN = 12;
const SLOWEST_ASKED = 200;

/**
 * The slowest requests. The store sorts by time alone, so first comes the time that all but the slowest do not
 * exceed, exactly, and then the records at or above it.
 */
export function useSlowest(span: MinuteSpan, query: string, count: number | undefined): Answer<{ hits: Hit[]; least: number }> {
  const key = count === undefined || count === 0 ? null : `${keyOf("slowest", span, query)} ${count}`;
  return useAnswer(key, async (signal) => {
    const p = Math.max(0, Math.min(99.9999, 100 * (1 - SLOWEST_SHOWN / (count ?? 1))));
    const bound = await aggregate<{ least: number | null }>(
      span,
      query,
      { metrics: { least: p > 0 ? percentile(p) : { min: { field: REQUEST_TIME } } } },
      signal,
    );
    const least = bound.rows[0]?.least ?? null;
    if (least === null) return { hits: [], least: 0 };
    const found = await getJson<SearchAnswer>(
      "api/search",
      { query: both(query, `${REQUEST_TIME}:>=${least}`), from: span.from, to: span.to, limit: SLOWEST_ASKED },
      signal,
    );
    const slowest = [...found.hits].sort((one, other) => Number(other[REQUEST_TIME]) - Number(one[REQUEST_TIME]));
    return { hits: slowest.slice(0, SLOWEST_SHOWN), least };
  });
}

/** Failed requests that are asked about by their ids. */
const FAILED_ASKED = 100;
const MESSAGES_ASKED = 500;

export interface Failures {
  failed: Hit[];
  total: number;
  groups: MessageGroup[];
}

/** The failed requests of the route, and what was said about them anywhere under the same ids. */
export function useFailures(span: MinuteSpan, query: string): Answer<Failures> {
  return useAnswer(keyOf("failures", span, query), async (signal) => {
    const failed = await search(span, both(query, "status:>=500"), FAILED_ASKED, signal);
    const total = failed.total ?? failed.hits.length;
    const ids = await requestIdsOf(failed.hits, span, signal);
    if (ids.length === 0) return { failed: failed.hits, total, groups: [] };
    const said = await search(span, both(anyOf("request_id", ids), "message:*"), MESSAGES_ASKED, signal);
    return { failed: failed.hits, total, groups: groupMessages(said.hits) };
  });
}

function search(span: MinuteSpan, query: string, limit: number, signal: AbortSignal): Promise<SearchAnswer> {
  return getJson<SearchAnswer>("api/search", { query, from: span.from, to: span.to, limit }, signal);
}

/** A load balancer knows the trace id only; whoever stands behind it has both. */
async function requestIdsOf(hits: Hit[], span: MinuteSpan, signal: AbortSignal): Promise<string[]> {
  const traces = idsIn(hits.filter((hit) => !hit["request_id"]), "trace_id");
  if (traces.length === 0) return idsIn(hits, "request_id");
  const behind = await search(span, both(anyOf("trace_id", traces), "request_id:*"), MESSAGES_ASKED, signal);
  return idsIn([...hits, ...behind.hits], "request_id");
}

function idsIn(hits: Hit[], field: string): string[] {
  return [...new Set(hits.map((hit) => hit[field]).filter((id): id is string => typeof id === "string" && id !== ""))];
}

function anyOf(field: string, values: string[]): string {
  return `${field}:(${values.map(quoted).join(" OR ")})`;
}
