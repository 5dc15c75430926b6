import { expect, test } from "vitest";

import { accountOf, byCause, livenessOf, rateBetween } from "./account";

test("what was received is stored, rejected, dropped or still queued", () => {
  const source = { received: 100, stored: 80, rejected: { not_json: 7, bad_time: 3 }, dropped: { queue_full: 4 } };
  expect(accountOf(source)).toEqual({ received: 100, stored: 80, rejected: 10, dropped: 4, queued: 6 });
});

test("causes come by how often, and those that never happened not at all", () => {
  expect(byCause({ a: 1, b: 0, c: 9 })).toEqual([["c", 9], ["a", 1]]);
});

test("a source that nothing is known of is never fine", () => {
  const check = (kind: string, lag_seconds: number | null, expected: string) => expect(livenessOf({ kind, lag_seconds })).toBe(expected);
  check("files", null, "unknown");
  check("files", 10, "current");
  check("files", 121, "behind");
  check("s3", 721, "current");
  check("s3", 1201, "behind");
});

test("a rate needs two looks", () => {
  expect(rateBetween(null, { at: 1000, count: 5 })).toBeNull();
  expect(rateBetween({ at: 1000, count: 5 }, { at: 3000, count: 25 })).toBe(10);
  expect(rateBetween({ at: 1000, count: 5 }, { at: 3000, count: 1 })).toBeNull();
});
