import { expect, test } from "vitest";

import type { SlaStatus } from "../objectives/shapes";
import type { RouteRow } from "./shapes";
import { comparedRows, promiseOf } from "./summary";

const row = (route: string, rate: number, p95: number | null): RouteRow => ({
  source: "nginx", service: "shop", route, method: "GET", count: rate * 60, rate, error_ratio: 0, avg: p95, p50: p95, p95, p99: p95,
});

test("a row is compared with the same row before", () => {
  const [one, other] = comparedRows([row("/a", 2, 0.4), row("/b", 1, 0.1)], [row("/a", 1, 0.1)]);
  expect(one?.changes.rate).toEqual({ kind: "changed", factor: 2 });
  expect(one?.changes.p95).toEqual({ kind: "changed", factor: 4 });
  expect(other?.changes).toMatchObject({ rate: { kind: "new" }, p95: { kind: "none" } });
});

test("where nothing is known of the period before, nothing is called new", () => {
  expect(comparedRows([row("/a", 1, 1)], [])[0]?.changes.rate).toEqual({ kind: "none" });
  expect(comparedRows([row("/a", 1, 1)], undefined)[0]?.changes.rate).toEqual({ kind: "none" });
});

const sla = (route: string, method: string, state: SlaStatus["state"], source = "nginx"): SlaStatus =>
  ({ sla: `${route}${method}${state}`, service: "shop", source, route, method, state }) as SlaStatus;

test("the worst promise about the route itself goes before one about the service", () => {
  const check = (slas: SlaStatus[], expected: string | undefined, isOfRoute?: boolean) => {
    const found = promiseOf({ source: "nginx", service: "shop", route: "/a", method: "GET" }, slas);
    expect([found?.sla.sla, found?.isOfRoute]).toEqual([expected, isOfRoute]);
  };
  check([], undefined, undefined);
  check([sla("/b", "GET", "broken")], undefined, undefined);
  check([sla("", "", "broken", "alb")], undefined, undefined);
  check([sla("", "", "broken"), sla("/a", "GET", "met")], "/aGETmet", true);
  check([sla("/a", "", "met"), sla("/a", "GET", "unknown")], "/aGETunknown", true);
  check([sla("", "", "met")], "met", false);
});
