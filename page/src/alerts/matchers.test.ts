import { expect, test } from "vitest";

import { durationMs } from "./duration_text";
import { canBeEmpty, isMeant, matcherText, matchersOf, parseMatcher, parseMatchers } from "./matchers";

test("matchers are read with and without quotes, and written so that they read the same", () => {
  const check = (line: string, name: string, value: string, isRegex: boolean, isEqual: boolean) => {
    const matcher = parseMatcher(line);
    expect(matcher).toEqual({ name, value, isRegex, isEqual });
    expect(matcher && parseMatcher(matcherText(matcher))).toEqual(matcher);
  };
  check("alertname=ShopSlow", "alertname", "ShopSlow", false, true);
  check(' route =~ "/checkout.*" ', "route", "/checkout.*", true, true);
  check('route!="/a \\"b\\""', "route", '/a "b"', false, false);
  check("severity!~page|ticket", "severity", "page|ticket", true, false);
  expect(parseMatcher("no matcher")).toBeNull();
  expect(parseMatchers("a=b\n\nwhat\nc=d").wrong).toBe("what");
});

test("labels of any text make matchers of exactly that alert", () => {
  const labels = { alertname: "A", message: '<b> "x" \\ \u202e' };
  const { matchers } = parseMatchers(matchersOf(labels));
  expect(isMeant(labels, matchers)).toBe(true);
  expect(isMeant({ ...labels, message: "y" }, matchers)).toBe(false);
});

test("a missing label is empty, and a silence of everything is seen", () => {
  const matchers = (text: string) => parseMatchers(text).matchers;
  expect(isMeant({ a: "1" }, matchers("b!=x"))).toBe(true);
  expect(isMeant({ a: "12" }, matchers("a=~1"))).toBe(false);
  expect(isMeant({ a: "1" }, [])).toBe(false);
  expect([canBeEmpty(matchers('a=~".*"')), canBeEmpty(matchers('a=~".*"\nb=x'))]).toEqual([true, false]);
});

test("durations are those of the config", () => {
  expect(["2h", "1h30m", " 1d ", "0s", "2", "h", ""].map(durationMs)).toEqual([7_200_000, 5_400_000, 86_400_000, null, null, null, null]);
});
