// How many records when: the chart's bars, the total, and where each interval's rows begin, from one question.

import { type AggregateAnswer, type Cell, type Span, aggregate } from "../api/records";
import type { Series } from "../charts/time_chart";
import { termOf } from "./query_text";
import type { Anchor } from "./row_store";
import { SEVERITIES, severityOf, severityTerm } from "./severity";

export interface Histogram {
  times: number[];
  stepMs: number;
  series: Series[];
  total: number;
  /** Records of each interval. */
  counts: number[];
  answer: AggregateAnswer;
  /** What it is the chart of. */
  span: Span;
}

/** What the colours mean: status and level, nothing, or a field's values. */
export type Split = "severity" | "none" | (string & {});

/** More values than that cannot be told apart by colour. */
const VALUES_MAX = 6;
const ROWS_MAX = 100_000;

export async function loadHistogram(span: Span, split: Split, interval: { text: string; ms: number }, signal: AbortSignal): Promise<Histogram> {
  const keys = split === "severity" ? ["status", "level"] : split === "none" ? [] : [split];
  const answer = await aggregate(
    { ...span, group_by: [...keys, { field: "@timestamp", interval: interval.text }], metrics: { n: { count: {} } }, limit: ROWS_MAX },
    signal,
  );
  return histogramOf(answer, split, interval.ms, span);
}

export function histogramOf(answer: AggregateAnswer, split: Split, stepMs: number, span: Span): Histogram {
  const [fromMs, toMs] = [Date.parse(span.from), Date.parse(span.to)];
  const first = Math.floor(fromMs / stepMs) * stepMs;
  const size = Math.max(1, Math.ceil((toMs - first) / stepMs));
  const times = Array.from({ length: size }, (_, index) => first + index * stepMs);
  const counts = new Array<number>(size).fill(0);
  const byName = new Map<string, number[]>();
  for (const row of answer.rows) {
    const index = Math.floor((Date.parse(String(row["@timestamp"])) - first) / stepMs);
    const count = Number(row["n"]);
    if (!(index >= 0 && index < size)) continue;
    const name = nameOf(row, split);
    const values = byName.get(name) ?? new Array<number>(size).fill(0);
    values[index] = (values[index] ?? 0) + count;
    counts[index] = (counts[index] ?? 0) + count;
    byName.set(name, values);
  }
  return { times, stepMs, counts, total: sumOf(counts), series: seriesOf(byName, split), answer, span };
}

export const MISSING = "(without)";
export const OTHERS = "others";

function nameOf(row: Record<string, Cell>, split: Split): string {
  if (split === "severity") return severityOf(row["status"], row["level"]);
  if (split === "none") return "records";
  const value = row[split];
  return value === null || value === undefined ? MISSING : String(value);
}

function seriesOf(byName: Map<string, number[]>, split: Split): Series[] {
  if (split === "severity") {
    return SEVERITIES.filter((name) => byName.has(name)).map((name) => ({ name, colour: `severity-${name}`, values: byName.get(name) ?? [] }));
  }
  if (split === "none") return [...byName].map(([name, values]) => ({ name, colour: "series-1", values }));
  const sorted = [...byName].sort(([, left], [, right]) => sumOf(right) - sumOf(left));
  const shown = sorted.slice(0, VALUES_MAX).map(([name, values], index) => ({ name, colour: `series-${index + 1}`, values }));
  const rest = sorted.slice(VALUES_MAX);
  if (rest.length === 0) return shown;
  const values = (rest[0]?.[1] ?? []).map((_, index) => rest.reduce((sum, [, more]) => sum + (more[index] ?? 0), 0));
  return [...shown, { name: OTHERS, colour: "rule-strong", values }];
}

function sumOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Where the rows of each interval begin in the list. */
export function anchorsOf({ times, counts, stepMs }: Histogram, span: Span, order: "newest" | "oldest"): Anchor[] {
  const fromMs = Date.parse(span.from);
  const toMs = Date.parse(span.to);
  const time = (ms: number) => new Date(Math.min(Math.max(ms, fromMs), toMs)).toISOString();
  const anchors: Anchor[] = [];
  let index = 0;
  const places = times.map((_, place) => place);
  if (order === "newest") places.reverse();
  for (const place of places) {
    const start = times[place] ?? 0;
    const count = counts[place] ?? 0;
    if (count === 0) continue;
    const [from, to] = order === "newest" ? [span.from, time(start + stepMs)] : [time(start), span.to];
    anchors.push({ index, from, to, cursor: undefined });
    index += count;
  }
  return anchors;
}

/** The term that finds what a colour stands for. */
export function splitTerm(split: Split, name: string): string | undefined {
  if (split === "none" || name === OTHERS) return undefined;
  if (split === "severity") return severityTerm(name);
  return termOf(split, name === MISSING ? null : name);
}
