import { expect, test } from "vitest";

import { queryOf, recordsOfAlert } from "./alert_records";
import type { AlertRow } from "./shapes";

const alert = { active_at: "2026-11-20T10:00:00Z", resolved_at: null } as AlertRow;

test("what the server says that the alert counted is opened exactly", () => {
  const known = { ...alert, query: 'route:"/pay" AND status:>=500', from: "2026-11-20T09:55:00Z", to: "2026-11-20T10:00:00Z" };
  expect(recordsOfAlert({}, known, [])).toEqual({
    address: "#/search?query=route:%22/pay%22%20AND%20status:%3E%3D500&from=2026-11-20T09:55:00Z&to=2026-11-20T10:00:00Z", isExact: true,
  });
});

test("without that the labels say which are meant, from an hour before", () => {
  const { address, isExact } = recordsOfAlert({ alertname: "A", service: "shop", team: "core" }, alert, []);
  expect([address, isExact]).toEqual(["#/search?query=service:%22shop%22&from=2026-11-20T09:00:00Z&to=now", false]);
});

test("only labels that are fields of records narrow the records", () => {
  expect(queryOf({ alertname: "A", severity: "page", sla: "s", source: "nginx", route: "/a" })).toBe('source:"nginx" AND route:"/a"');
});
