import { expect, test } from "vitest";

import { binRange, binsUpTo, intervalStarts, LATENCY_BOUNDS, SHADES, shadeOf } from "./heat_bins";

test("rows lie side by side without a gap, and the longest time is in the last", () => {
  for (const longest of [0, 0.005, 0.01, 0.3, 5.99, 400]) {
    const bins = binsUpTo(longest);
    bins.slice(1).forEach((bin, index) => expect(bin.low).toBe(bins[index]?.high));
    const last = bins[bins.length - 1];
    expect(last && last.low <= longest && (last.high === null || longest < last.high)).toBe(true);
  }
  expect(binsUpTo(400)).toHaveLength(LATENCY_BOUNDS.length);
});

test("a row is a range of the query language, its upper end excluded", () => {
  expect(binRange({ low: 0.1, high: 0.2 })).toBe("request_time:[0.1 TO 0.2}");
  expect(binRange({ low: 12, high: null })).toBe("request_time:>=12");
});

test("one request is never invisible, and none is", () => {
  expect([0, 1, 250, 1000].map((count) => shadeOf(count, 1000))).toEqual([0, 1, 3, SHADES]);
  expect(shadeOf(0, 0)).toBe(0);
});

test("columns begin where the server cuts them", () => {
  expect(intervalStarts(61_000, 180_000, 60_000)).toEqual([60_000, 120_000]);
  expect(intervalStarts(60_000, 60_000, 60_000)).toEqual([]);
});
