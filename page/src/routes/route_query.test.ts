import { expect, test } from "vitest";

import { both, grouped, quoted, recordsOf } from "./route_query";

test("any text is a value, and stays one", () => {
  expect(quoted('a "b" \\ c')).toBe('"a \\"b\\" \\\\ c"');
  expect(quoted("/orders/{id}")).toBe('"/orders/{id}"');
});

test("a row opens its records", () => {
  expect(recordsOf({ source: "nginx", service: "shop", route: "/pay", method: "POST" })).toBe(
    'source:"nginx" AND service:"shop" AND route:"/pay" AND method:"POST"',
  );
});

test("requests of no service lack the field, and those of a strange method have none of the known ones", () => {
  expect(recordsOf({ service: "", route: "/x", method: "OTHER" })).toMatch(/^NOT service:\* AND route:"\/x" AND NOT method:\(GET OR .* OR TRACE\)$/);
});

test("what was typed stays one condition", () => {
  expect(recordsOf({ route: "/x" }, "status:500 OR status:502")).toBe('route:"/x" AND (status:500 OR status:502)');
  expect([grouped("  "), grouped("status:5xx")]).toEqual(["", "status:5xx"]);
  expect(both("", "a", " ", "b")).toBe("a AND b");
});
