import { expect, test } from "vitest";

import { classOf, classQuery, stackedClasses } from "./statuses";

test("a status has the class of its first digit, and none where there is none", () => {
  expect([200, 503, "404", null, 0, "x"].map(classOf)).toEqual(["2xx", "5xx", "4xx", "none", "none", "none"]);
  expect(["5xx", "none"].map(classQuery)).toEqual(["status:5xx", "NOT status:*"]);
});

test("classes are stacked over all times, failures lowest", () => {
  const at = (minute: number) => new Date(minute * 60_000).toISOString();
  const rows = [
    { "@timestamp": at(0), status: 200, n: 5 },
    { "@timestamp": at(1), status: 204, n: 2 },
    { "@timestamp": at(1), status: 200, n: 1 },
    { "@timestamp": at(2), status: 503, n: 4 },
  ];
  const stacked = stackedClasses(rows, [0, 60_000, 120_000]);
  expect(stacked.map(({ name, values }) => [name, values])).toEqual([["5xx", [0, 0, 4]], ["2xx", [5, 3, 0]]]);
});
