// What the table of routes is made of: the rows, those of the period before, the promises, and a small line for each.

import { getJson, postJson } from "../api/client";
import { useAnswer } from "../api/use_answer";
import type { SlasAnswer } from "../objectives/shapes";
import { both, grouped, is } from "./route_query";
import type { AggregateAnswer, RouteRow, RoutesAnswer, SearchAnswer } from "./shapes";
import { type MinuteSpan, minuteInterval, minutesBefore } from "./whole_minutes";

/** Points of a small line. */
const LINE_POINTS = 24;
/** Pairs of source and service that get lines; each is a question to the store. */
const LINE_PAIRS_MAX = 6;
const LINE_ROWS_MAX = 50_000;

export function useRoutes(span: MinuteSpan, query: string) {
  return useAnswer(`routes ${span.from} ${span.to} ${query}`, (signal) =>
    getJson<RoutesAnswer>("api/routes", { from: span.from, to: span.to, query: query || undefined }, signal));
}

/** How much of the period before may lie before the first record there, for the two to be compared. */
const UNKNOWN_SHARE_MAX = 0.1;

/** Whether enough is known of the period before; where counting began in it, a comparison would be one with a part. */
export function useIsKnownBefore(span: MinuteSpan): boolean | undefined {
  const before = minutesBefore(span);
  return useAnswer(`began ${before.from} ${before.to}`, async (signal) => {
    const asked = { from: before.from, to: before.to, order: "oldest", limit: 1, total: false };
    const { hits } = await getJson<SearchAnswer>("api/search", asked, signal);
    const began = hits[0] ? Date.parse(hits[0]["@timestamp"]) : before.fromMs;
    return began - before.fromMs <= UNKNOWN_SHARE_MAX * (before.toMs - before.fromMs);
  }).answer;
}

export function useSlas(key: string | null) {
  return useAnswer(key === null ? null : `slas ${key}`, (signal) => getJson<SlasAnswer>("api/slas", {}, signal));
}

interface LineRow {
  route: string | null;
  method: string | null;
  "@timestamp": string;
  p95: number | null;
}

/** The values of each row's line by `lineKey`, once they are there. */
export type Lines = Map<string, (number | null)[]>;

export function lineKey({ source, service, route, method }: Pick<RouteRow, "source" | "service" | "route" | "method">): string {
  return [source, service, route, method].join("\u0000");
}

/** Asked behind the numbers, one pair of source and service after the other, so that the table never waits for it. */
export function useLines(span: MinuteSpan, query: string, rows: RouteRow[] | undefined): Lines | undefined {
  const pairs = pairsOf(rows ?? []);
  const key = pairs.length === 0 ? null : `lines ${span.from} ${span.to} ${query} ${JSON.stringify(pairs)}`;
  return useAnswer(key, async (signal) => {
    const lines: Lines = new Map();
    for (const [source, service] of pairs) {
      const answer = await askForLines(span, both(is("source", source), is("service", service), grouped(query)), signal);
      addLines(lines, answer.rows, span, (route, method) => lineKey({ source, service, route, method }));
    }
    return lines;
  }).answer;
}

function askForLines(span: MinuteSpan, query: string, signal: AbortSignal): Promise<AggregateAnswer<LineRow>> {
  return postJson("api/aggregate", {
    query,
    from: span.from,
    to: span.to,
    group_by: ["route", "method", { field: "@timestamp", interval: minuteInterval(span, LINE_POINTS).text }],
    metrics: { p95: { percentile: { field: "request_time", p: 95 } } },
    limit: LINE_ROWS_MAX,
  }, signal);
}

function addLines(lines: Lines, rows: LineRow[], span: MinuteSpan, keyOf: (route: string, method: string) => string): void {
  const { ms } = minuteInterval(span, LINE_POINTS);
  const first = Math.floor(span.fromMs / ms) * ms;
  const points = Math.ceil((span.toMs - first) / ms);
  for (const row of rows) {
    const key = keyOf(row.route ?? "", row.method ?? "");
    const line = lines.get(key) ?? Array.from<number | null>({ length: points }).fill(null);
    line[Math.floor((Date.parse(row["@timestamp"]) - first) / ms)] = row.p95;
    lines.set(key, line);
  }
}

/** The pairs with the most requests. */
function pairsOf(rows: RouteRow[]): [string, string][] {
  const counts = new Map<string, number>();
  for (const { source, service, count } of rows) {
    const key = JSON.stringify([source, service]);
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  const sorted = [...counts].sort(([, one], [, other]) => other - one).slice(0, LINE_PAIRS_MAX);
  return sorted.map(([key]) => JSON.parse(key) as [string, string]).sort();
}
