import { expect, test } from "vitest";

import { badRecordsOf, thresholdOf } from "./threshold";

test("a promise's sentence says its time, or its query", () => {
  const check = (promise: string, threshold: number | null, bad: string | null) => {
    expect([thresholdOf({ promise }), badRecordsOf({ promise })]).toEqual([threshold, bad]);
  };
  check("95 % of requests are answered within 0.4 s", 0.4, "(request_time:>0.4 OR (status:>=500 AND request_time:*))");
  check("99.9 % of requests do not match status:>=500", null, "(status:>=500)");
  check("something new", null, null);
  expect(thresholdOf(null)).toBeNull();
});
