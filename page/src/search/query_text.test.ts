// Terms put into queries and taken apart: a wrong one would show other records than were asked for.

import { describe, expect, it } from "vitest";

import { isStatistics, quoted, requiredParts, termOf, tokens, typingAt, withTerm } from "./query_text";

describe("parts that must all match", () => {
  it.each([
    ["", []],
    ["status:5xx", ["status:5xx"]],
    ["a b", ["a", "b"]],
    ["status >= 500 AND route:/a/{id}", ["status >= 500", "route:/a/{id}"]],
    ['user_email:"a b" AND NOT path:/x -level:7', ['user_email:"a b"', "NOT path:/x", "-level:7"]],
    ["a AND (b OR c) d", ["a", "(b OR c)", "d"]],
    ["a OR b", ["a OR b"]],
    ["status:(500 OR 502) a", ["status:(500 OR 502)", "a"]],
    ["status:[500 TO 599] AND a", ["status:[500 TO 599]", "a"]],
    ["a | count by status", ["a"]],
    ["request_time > 400ms", ["request_time > 400ms"]],
    ['path =~ "v[0-9]+" b', ['path =~ "v[0-9]+"', "b"]],
    ["NOT (a b) c", ["NOT (a b)", "c"]],
    ['"say \\"hi\\"" x', ['"say \\"hi\\""', "x"]],
  ])("%s", (query, expected) => expect(requiredParts(query)).toEqual(expected));
});

describe("a term is added", () => {
  it.each([
    ["", "a:1", "a:1"],
    ["*", "a:1", "a:1"],
    ["b:2", "a:1", "b:2 AND a:1"],
    ["b OR c", "a:1", "(b OR c) AND a:1"],
    ["(b OR c)", "a:1", "(b OR c) AND a:1"],
    ["(b) OR (c)", "a:1", "((b) OR (c)) AND a:1"],
    ["x AND (b OR c)", "a:1", "x AND (b OR c) AND a:1"],
    ["b AND a:1", "a:1", "b AND a:1"],
    ["b AND a:1", "NOT a:1", "b AND NOT a:1"],
    ["b AND NOT a:1", "a:1", "b AND a:1"],
    ["b | count by c", "a:1", "b AND a:1 | count by c"],
    ["| count by c", "a:1", "a:1 | count by c"],
  ])("%s with %s", (query, term, expected) => expect(withTerm(query, term)).toBe(expected));
});

describe("values", () => {
  it.each([
    ["a@b.com", "a@b.com"], ["/api/v1", "/api/v1"], ["a b", '"a b"'], ['say "hi"', '"say \\"hi\\""'], ["C:\\temp", '"C:\\\\temp"'],
    ["/a/{id}", '"/a/{id}"'], ["a*", '"a*"'], ["-x", '"-x"'], ["AND", '"AND"'], ["", '""'], [500, "500"], [12345678901234567890n, "12345678901234567890"],
  ])("%s", (value, expected) => expect(quoted(value)).toBe(expected));
  it("that are missing are asked for as missing", () => expect(termOf("status", null)).toBe("NOT _exists_:status"));
});

describe("what is being typed", () => {
  const at = (text: string) => {
    const caret = text.indexOf("^");
    const { kind, field, prefix } = typingAt(text.replace("^", ""), caret);
    return `${kind} ${field} ${prefix}`;
  };
  it.each([
    ["^", "field  "], ["sta^", "field  sta"], ["-sta^", "field  sta"], ["status:^", "value status "], ["status:5^00 a", "value status 5"],
    ['user_email:"ja^', "value user_email ja"], ["a AND ro^", "field  ro"], ["status >= 5^", "value status 5"],
    ["a ^", "field  "], ['message:"timed o^ut"', "value message timed o"],
  ])("%s", (text, expected) => expect(at(text)).toBe(expected));
});

it("knows statistics from records", () => {
  expect(isStatistics("a | count by b")).toBe(true);
  expect(isStatistics('message:"a | b" || c')).toBe(false);
});

it("reads anything without an end it does not reach", () => {
  for (const text of ['"', "\\", "a:(", "a:[", "((", '))"\\', "a:\\", "|||", "é\u202e:"]) {
    const all = tokens(text);
    expect(all.every(({ start, end }) => start < end && end <= text.length)).toBe(true);
  }
});
