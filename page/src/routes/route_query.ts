// From a row of the table to the records behind it: the same choice, in the query language.

import type { RouteKey } from "./shapes";

/** The methods that the minutes know by name; every other one is counted as `OTHER`. */
const KNOWN_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/** A value as the query language takes it, whatever is in it. */
export function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, (sign) => `\\${sign}`)}"`;
}

/** Records whose field is exactly this; an empty text means that they lack it. */
export function is(field: string, value: string): string {
  return value === "" ? `NOT ${field}:*` : `${field}:${quoted(value)}`;
}

function methodIs(method: string): string {
  return method === "OTHER" ? `NOT method:(${KNOWN_METHODS.join(" OR ")})` : is("method", method);
}

/** All conditions, leaving out the empty ones. Each that has an `OR` of its own must bring its parentheses. */
export function both(...conditions: string[]): string {
  return conditions.filter((condition) => condition.trim() !== "").join(" AND ");
}

/** What a person typed, so that `a OR b` stays one condition beside others. */
export function grouped(query: string): string {
  return query.trim() === "" || !/\s/.test(query.trim()) ? query.trim() : `(${query.trim()})`;
}

/** The records of a row. `query` is what the table itself was narrowed to. */
export function recordsOf(key: Partial<RouteKey>, query = ""): string {
  const conditions: string[] = [];
  if (key.source) conditions.push(is("source", key.source));
  if (key.service !== undefined) conditions.push(is("service", key.service));
  if (key.route) conditions.push(is("route", key.route));
  if (key.method) conditions.push(methodIs(key.method));
  return both(...conditions, grouped(query));
}
