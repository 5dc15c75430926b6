import { expect, test } from "vitest";

import { groupMessages, templateOf } from "./messages";

test("numbers and ids do not tell messages apart, words do", () => {
  const check = (message: string, expected: string) => expect(templateOf(message)).toBe(expected);
  check("timeout after 3012 ms for order 77", "timeout after … ms for order …");
  check("row was updated: cart 550e8400-e29b-41d4-a716-446655440000", "row was updated: cart …");
  check("payment 9f86d081884c declined", "payment … declined");
  check("Cannot read\n\tat a.b(C.java:71)", "Cannot read");
  check("SQLException: pool is empty", "SQLException: pool is empty");
});

test("messages are counted by what they say, with the people that they concern", () => {
  const hit = (message: string, second: number, user_email?: string) => ({
    _id: `${second}`, "@timestamp": new Date(second * 1000).toISOString(), message, ...(user_email ? { user_email } : {}),
  });
  const groups = groupMessages([hit("no answer for order 1", 5, "a@x.y"), hit("other", 7), hit("no answer for order 2", 9, "b@x.y"), hit("no answer for order 3", 1, "a@x.y")]);
  expect(groups.map(({ template, count, users, latest }) => [template, count, users, latest._id])).toEqual([
    ["no answer for order …", 3, 2, "9"],
    ["other", 1, 0, "7"],
  ]);
});
