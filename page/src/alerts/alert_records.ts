// The way from an alert to its records. Servers that say which records an alert counted are taken at their word; with
// others the labels say which are meant, and it is said that this is a guess.

import { rfc3339 } from "../format/instant";
import { addressOf } from "../frame/location";
import { both, is } from "../routes/route_query";
import type { AlertRow, Labels } from "./shapes";
import type { Change } from "./time_line";

/** Labels that are fields of records. The others name the rule, or are somebody's own. */
const FIELDS = ["source", "service", "route", "method", "controller", "api_method", "host", "node", "target_group", "status", "level"];

const BEFORE_MS = 3_600_000;

export function recordsOfAlert(labels: Labels, alert: AlertRow | undefined, changes: readonly Change[]): { address: string; isExact: boolean } {
  if (alert?.query && alert.from && alert.to) {
    return { address: addressOf("search", { query: alert.query, from: alert.from, to: alert.to }), isExact: true };
  }
  const began = Date.parse(alert?.active_at ?? changes[changes.length - 1]?.at ?? "");
  const ended = Date.parse(alert?.resolved_at ?? (alert ? "" : (changes[0]?.at ?? "")));
  const from = Number.isFinite(began) ? rfc3339(began - BEFORE_MS) : "now-1h";
  const to = Number.isFinite(ended) ? rfc3339(ended) : "now";
  return { address: addressOf("search", { query: queryOf(labels), from, to }), isExact: false };
}

/** The records that the labels name. */
export function queryOf(labels: Labels): string {
  const conditions = FIELDS.filter((field) => labels[field]).map((field) => is(field, labels[field] ?? ""));
  return both(...conditions);
}
