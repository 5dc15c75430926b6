// Matchers as Alertmanager writes them, one per line: `alertname=ShopSlow`, `route=~"/checkout.*"`.

import type { Labels, Matcher } from "./shapes";

const MATCHER = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/;

/** A line as a matcher; nothing where it is none. */
export function parseMatcher(line: string): Matcher | null {
  const [, name, sign, value] = MATCHER.exec(line) ?? [];
  if (name === undefined || sign === undefined || value === undefined) return null;
  return { name, value: unquoted(value), isRegex: sign.endsWith("~"), isEqual: sign.startsWith("=") };
}

/** All lines that are not empty; the first that is no matcher is `wrong`. */
export function parseMatchers(text: string): { matchers: Matcher[]; wrong: string | null } {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const matchers: Matcher[] = [];
  for (const line of lines) {
    const matcher = parseMatcher(line);
    if (!matcher) return { matchers, wrong: line.trim() };
    matchers.push(matcher);
  }
  return { matchers, wrong: null };
}

/** As it is typed. */
export function matcherText({ name, value, isRegex, isEqual }: Matcher): string {
  const sign = isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=";
  return `${name}${sign}${/^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value)}`;
}

/** What silences exactly the alerts with these labels. */
export function matchersOf(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => matcherText({ name, value, isRegex: false, isEqual: true })).join("\n");
}

/** Whether an alert is meant: all matchers are met, a label that is missing counting as empty. */
export function isMeant(labels: Labels, matchers: readonly Matcher[]): boolean {
  return matchers.length > 0 && matchers.every((matcher) => isMet(labels[matcher.name] ?? "", matcher));
}

/** Alertmanager refuses a silence that would match alerts without any label. */
export function canBeEmpty(matchers: readonly Matcher[]): boolean {
  return matchers.every((matcher) => isMet("", matcher));
}

function isMet(value: string, { value: wanted, isRegex, isEqual }: Matcher): boolean {
  if (!isRegex) return (value === wanted) === isEqual;
  try {
    return new RegExp(`^(?:${wanted})$`, "su").test(value) === isEqual;
  } catch {
    // The server has another kind of regular expressions and decides; here it only counts.
    return false;
  }
}

function unquoted(value: string): string {
  if (!/^".*"$/s.test(value)) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value.slice(1, -1);
  }
}
