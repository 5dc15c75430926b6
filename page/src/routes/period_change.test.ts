import { expect, test } from "vitest";

import { changeAgainst, changeRank, changeText, isNotable, periodBefore } from "./period_change";

test("the period before has the same length and ends where this one begins", () => {
  expect(periodBefore({ from: 7_000, to: 10_000 })).toEqual({ from: 4_000, to: 7_000 });
});

test("a route that is new or gone has no ratio", () => {
  const check = (now: number | null, before: number | null, expected: unknown) => expect(changeAgainst(now, before)).toEqual(expected);
  check(null, null, { kind: "none" });
  check(5, null, { kind: "new" });
  check(5, 0, { kind: "new" });
  check(null, 5, { kind: "gone" });
  check(0, 0, { kind: "changed", factor: 1 });
  check(0, 4, { kind: "changed", factor: 0 });
  check(6, 4, { kind: "changed", factor: 1.5 });
});

test("changes sort by how much grew, new ones above all", () => {
  const ranks = [changeAgainst(1, 2), changeAgainst(3, null), changeAgainst(8, 2), changeAgainst(null, 1)].map(changeRank);
  expect(ranks).toEqual([0.5, Number.POSITIVE_INFINITY, 4, 0]);
  expect(changeRank({ kind: "none" })).toBeNull();
});

test("percentages up to twice as much, factors beyond", () => {
  const texts = [0, 0.6, 0.999, 1.004, 1.12, 1.99, 2, 3.24, 41.3].map(changeText);
  expect(texts).toEqual(["−100 %", "−40 %", "±0 %", "±0 %", "+12 %", "+99 %", "×2.0", "×3.2", "×41"]);
});

test("a sign is for large changes only", () => {
  expect([0.5, 0.9, 1.2, 1.5].map((factor) => isNotable({ kind: "changed", factor }))).toEqual([true, false, false, true]);
});
