// The chart's counts, from which the list knows how long it is and where each interval begins.

import { describe, expect, it } from "vitest";

import type { AggregateAnswer } from "../api/records";
import { anchorsOf, histogramOf, splitTerm } from "./histogram";

const span = { query: "", from: "2026-11-20T10:00:30Z", to: "2026-11-20T10:03:10Z" };
const answer = (rows: AggregateAnswer["rows"]): AggregateAnswer =>
  ({ rows, is_exact: true, error_bound: 0, is_cut: false, complete_to: null, took_ms: 1, warnings: [] });
const at = (minute: number) => `2026-11-20T10:0${minute}:00Z`;

const rows = [
  { "@timestamp": at(0), status: 200, level: null, n: 3 },
  { "@timestamp": at(0), status: 204, level: null, n: 2 },
  { "@timestamp": at(2), status: 503, level: null, n: 1 },
  { "@timestamp": at(2), status: null, level: 3, n: 4 },
  { "@timestamp": at(3), status: null, level: "WARN", n: 1 },
  { "@timestamp": at(3), status: null, level: null, n: 1 },
];

describe("a histogram", () => {
  const histogram = histogramOf(answer(rows), "severity", 60_000, span);
  it("has an interval for each minute that the span touches", () => {
    expect(histogram.times.map((ms) => new Date(ms).toISOString().slice(14, 16))).toEqual(["00", "01", "02", "03"]);
  });
  it("adds statuses of a class and levels of a weight", () => {
    expect(histogram.series.map(({ name, values }) => [name, values])).toEqual([
      ["other", [0, 0, 0, 1]], ["2xx", [5, 0, 0, 0]], ["warning", [0, 0, 0, 1]], ["5xx", [0, 0, 1, 0]], ["error", [0, 0, 4, 0]],
    ]);
    expect([histogram.counts, histogram.total]).toEqual([[5, 0, 5, 2], 12]);
  });
  it("tells where each interval begins in the list, newest first", () => {
    expect(anchorsOf(histogram, span, "newest").map(({ index, from, to }) => [index, from, to])).toEqual([
      [0, span.from, "2026-11-20T10:03:10.000Z"], [2, span.from, "2026-11-20T10:03:00.000Z"], [7, span.from, "2026-11-20T10:01:00.000Z"],
    ]);
  });
  it("and oldest first", () => {
    expect(anchorsOf(histogram, span, "oldest").map(({ index, from, to }) => [index, from, to])).toEqual([
      [0, "2026-11-20T10:00:30.000Z", span.to], [5, "2026-11-20T10:02:00.000Z", span.to], [10, "2026-11-20T10:03:00.000Z", span.to],
    ]);
  });
  it("by a field has the most frequent values, and the rest together", () => {
    const many = Array.from({ length: 9 }, (_, index) => ({ "@timestamp": at(1), route: `/${index}`, n: 9 - index }));
    const byRoute = histogramOf(answer([...many, { "@timestamp": at(1), route: null, n: 20 }]), "route", 60_000, span);
    expect(byRoute.series.map(({ name, values }) => [name, values[1]])).toEqual([
      ["(without)", 20], ["/0", 9], ["/1", 8], ["/2", 7], ["/3", 6], ["/4", 5], ["others", 10],
    ]);
  });
});

it.each([
  ["severity", "5xx", "status:5xx"], ["route", "/a/{id}", 'route:"/a/{id}"'], ["route", "(without)", "NOT _exists_:route"], ["route", "others", undefined],
  ["none", "records", undefined],
])("a colour by %s that is %s means %s", (split, name, expected) => expect(splitTerm(split, name)).toBe(expected));
