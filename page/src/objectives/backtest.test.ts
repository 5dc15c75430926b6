import { expect, test } from "vitest";

import { type BacktestRow, gapsOf, isObjective, thresholdText } from "./backtest";

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
