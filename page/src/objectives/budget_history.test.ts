import { expect, test } from "vitest";

import { budgetHistory, countedFrom, hoursUntilSpent, requestsLeft } from "./budget_history";

const day = (date: string, good: number, bad: number) => ({ from: `${date}T00:00:00Z`, good, bad });

test("the budget falls day by day to what is left of the span", () => {
  const history = budgetHistory([day("2026-11-01", 500, 0), day("2026-11-02", 390, 10), day("2026-11-03", 60, 40)], 95);
  expect(history.map((point) => point.left?.toFixed(2))).toEqual(["1.00", "0.80", "0.00"]);
  expect(history.map((point) => point.spent.toFixed(2))).toEqual(["0.00", "0.20", "0.80"]);
});

test("without requests there is no budget to have left", () => {
  expect(budgetHistory([], 99)).toEqual([]);
  expect(budgetHistory([day("2026-11-01", 0, 0)], 99)[0]?.left).toBeNull();
});

test("a request and a half left is one", () => {
  expect([requestsLeft(10.5, 9), requestsLeft(10, 10), requestsLeft(10.5, 12)]).toEqual([1, 0, -2]);
});

test("counts begin with the hour", () => {
  expect(new Date(countedFrom("2026-11-28T16:11:00Z")).toISOString()).toBe("2026-11-28T16:00:00.000Z");
});

test("at ten times the speed a tenth of the time is left", () => {
  expect(hoursUntilSpent(0.5, 10, 720)).toBe(36);
  expect(hoursUntilSpent(-0.1, 10, 720)).toBeNull();
  expect(hoursUntilSpent(0.5, 0, 720)).toBeNull();
});
