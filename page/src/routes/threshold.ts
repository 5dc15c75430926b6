// The time that is promised, as the sentence of a promise has it: the API says it in words only.

import type { SlaStatus } from "../objectives/shapes";

const WITHIN = /answered within ([\d.]+) s$/;

/** In seconds; nothing where no time is promised. */
export function thresholdOf(promise: Pick<SlaStatus, "promise"> | null): number | null {
  const seconds = Number(WITHIN.exec(promise?.promise ?? "")?.[1]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** The query of what is bad, where the promise is about a share of records. */
export function badQueryOf(promise: Pick<SlaStatus, "promise"> | null): string | null {
  return /of requests do not match (.+)$/s.exec(promise?.promise ?? "")?.[1] ?? null;
}

/** The records that break a promise; `null` where its sentence is of a kind that this page does not know. */
export function badRecordsOf(promise: Pick<SlaStatus, "promise"> | null): string | null {
  const threshold = thresholdOf(promise);
  if (threshold !== null) return `(request_time:>${threshold} OR (status:>=500 AND request_time:*))`;
  const query = badQueryOf(promise);
  return query === null ? null : `(${query})`;
}
