// The account of a source: what was received is stored, rejected, or dropped, to the last line.

import type { Counts, SourceStatus } from "./shapes";

/** The account, closed or not. */
export interface Account {
  received: number;
  stored: number;
  rejected: number;
  dropped: number;
  /** What was received and is not yet any of them; below 0 the account is wrong. */
  queued: number;
}

export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export function accountOf(source: Pick<SourceStatus, "received" | "stored" | "rejected" | "dropped">): Account {
  const { received, stored } = source;
  const [rejected, dropped] = [sumOf(source.rejected), sumOf(source.dropped)];
  return { received, stored, rejected, dropped, queued: received - stored - rejected - dropped };
}

/** Causes with their counts, the most frequent first. */
export function byCause(counts: Counts): [string, number][] {
  return Object.entries(counts).filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
}

/** What is known of a source's liveness; `unknown` is never fine. */
export type Liveness = "current" | "behind" | "unknown";

/** How far a source may be behind before it is said: longer than a load balancer's files take. */
const BEHIND_SECONDS = 120;
const BEHIND_SECONDS_OF_OBJECTS = 1200;

export function livenessOf(source: Pick<SourceStatus, "kind" | "lag_seconds">): Liveness {
  if (source.lag_seconds === null) return "unknown";
  const most = source.kind === "s3" || source.kind === "sqs" ? BEHIND_SECONDS_OF_OBJECTS : BEHIND_SECONDS;
  return source.lag_seconds > most ? "behind" : "current";
}

/** Records per second between two looks; nothing before the second one, or after the count began anew. */
export function rateBetween(before: { at: number; count: number } | null, now: { at: number; count: number }): number | null {
  if (before === null || now.at <= before.at || now.count < before.count) return null;
  return ((now.count - before.count) * 1000) / (now.at - before.at);
}
