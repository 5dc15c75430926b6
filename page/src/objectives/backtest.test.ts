import { expect, test } from "vitest";

import { type BacktestRow, gapsOf, isObjective, spanOf, thresholdText } from "./backtest";

test("an objective is a percentage above 0 and below 100, or as it is", () => {
  expect(["", "99.9", "0.1", "0", "100", "-1", "many"].map(isObjective)).toEqual([true, true, true, false, false, false, false]);
});

test("a number alone is a time in seconds", () => {
  expect(["0.4", " 350ms ", "1.5s", ""].map(thresholdText)).toEqual(["0.4s", "350ms", "1.5s", ""]);
});

test("what is not known of the span is told", () => {
  const row = { data: [{ data: "none", from: "a", to: "b" }, { data: "slots", from: "b", to: "c" }] } as BacktestRow;
  expect(gapsOf(row, "none")).toEqual([{ data: "none", from: "a", to: "b" }]);
  expect(gapsOf(row, "records")).toEqual([]);
  expect(gapsOf(undefined, "none")).toEqual([]);
});

test("both promises are judged over the same whole minutes", () => {
  const now = Date.parse("2026-11-20T10:15:42Z");
  expect(spanOf({ from: "now-1d", to: "now" }, now, "UTC")).toEqual({ from: "2026-11-19T10:15:00Z", to: "2026-11-20T10:15:00Z" });
  expect(spanOf({ from: "2026-11-20 01:00", to: "soon" }, now, "Europe/Berlin")).toEqual({ from: "2026-11-20T00:00:00Z", to: "soon" });
});
