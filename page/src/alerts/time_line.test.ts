import { expect, test } from "vitest";

import { type Change, firedFor, labelKey, lanesOf, placeOf } from "./time_line";

const at = (minute: number) => new Date(minute * 60_000).toISOString();
const minutes = (count: number) => count * 60_000;

/** A change of `name` in `minute`, as `pending>firing`. */
function change(name: string, minute: number, states: string, bad = 0): Change {
  const [from = "", to = ""] = states.split(">");
  return { at: at(minute), labels: { alertname: name }, from, to, bad, total: 100, is_history: false };
}

/** Lanes as `name: state from-to`, with `…` where it goes on. */
function shown(changes: Change[], now: number): string[] {
  return lanesOf(changes, minutes(now)).map((lane) => {
    const stretches = lane.stretches.map((one) => `${one.state} ${one.from / 60_000}-${one.to / 60_000}${one.isOpen ? "…" : ""}`);
    return `${lane.labels["alertname"]}: ${stretches.join(", ")}`;
  });
}

test("changes become stretches, the youngest alert first", () => {
  const history = [
    change("Slow", 9, "firing>resolved"),
    change("Down", 8, "pending>firing"),
    change("Slow", 4, "pending>firing"),
    change("Down", 3, "inactive>pending"),
    change("Slow", 2, "inactive>pending"),
  ];
  expect(shown(history, 12)).toEqual(["Slow: pending 2-4, firing 4-9", "Down: pending 3-8, firing 8-12…"]);
});

test("an alert that was pending and came to nothing has no firing stretch", () => {
  expect(shown([change("A", 5, "pending>inactive"), change("A", 3, "inactive>pending")], 9)).toEqual(["A: pending 3-5"]);
});

test("an alert that fires again has two stretches", () => {
  const history = [change("A", 8, "resolved>firing"), change("A", 5, "firing>resolved"), change("A", 3, "inactive>firing")];
  expect(shown(history, 9)).toEqual(["A: firing 3-5, firing 8-9…"]);
});

test("what began before the line is cut at its start, and what lies outside is not on it", () => {
  expect(placeOf({ from: 0, to: 50 }, 25, 125)).toEqual({ start: 0, length: 0.25 });
  expect(placeOf({ from: 100, to: 300 }, 0, 200)).toEqual({ start: 0.5, length: 0.5 });
  expect(placeOf({ from: 0, to: 10 }, 20, 30)).toBeNull();
  expect(placeOf({ from: 40, to: 50 }, 20, 30)).toBeNull();
  expect(placeOf({ from: 25, to: 25 }, 20, 30)).toEqual({ start: 0.5, length: 0 });
});

test("only firing counts as fired", () => {
  const [lane] = lanesOf([change("A", 4, "pending>firing"), change("A", 2, "inactive>pending")], minutes(10));
  expect(lane && firedFor(lane, 0, minutes(8)) / 60_000).toBe(4);
});

test("labels tell alerts apart whatever their order", () => {
  expect(labelKey({ a: "1", b: "2" })).toBe(labelKey({ b: "2", a: "1" }));
  expect(labelKey({ a: "1" })).not.toBe(labelKey({ a: "2" }));
});
