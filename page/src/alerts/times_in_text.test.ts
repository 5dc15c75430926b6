import { expect, test } from "vitest";

import { withTimesIn } from "./times_in_text";

test("times inside a sentence are in the zone, with the day where it is another", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  const text = "pager: told at 2026-11-20T10:04:05.123456Z, looked at next at 2026-11-21T00:00:00Z";
  expect(withTimesIn(text, "UTC", now)).toBe("pager: told at 10:04:05, looked at next at 2026-11-21 00:00:00");
  expect(withTimesIn(text, "Europe/Berlin", now)).toBe("pager: told at 11:04:05, looked at next at 2026-11-21 01:00:00");
});
