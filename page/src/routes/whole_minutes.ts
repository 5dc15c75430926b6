// The span of a view in whole minutes: the server's counts are by minute, so only then are they about the same
// requests as the records that a link opens.

import { type TimeRange, chartInterval } from "../frame/time_range";
import { rfc3339 } from "../format/instant";
import { shortSpan } from "../format/duration";

const MINUTE_MS = 60_000;

export interface MinuteSpan {
  fromMs: number;
  toMs: number;
  from: string;
  to: string;
}

export function wholeMinutes(fromMs: number, toMs: number): MinuteSpan {
  const start = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  const end = Math.max(start + MINUTE_MS, Math.ceil(toMs / MINUTE_MS) * MINUTE_MS);
  return { fromMs: start, toMs: end, from: rfc3339(start), to: rfc3339(end) };
}

/** The span of the same length before. */
export function minutesBefore(span: MinuteSpan): MinuteSpan {
  return wholeMinutes(span.fromMs - (span.toMs - span.fromMs), span.fromMs);
}

/** What the address says, so that a link goes on moving with the clock where the view does. */
export function rangeParams(range: TimeRange): { from: string; to: string } {
  return { from: range.from, to: range.to };
}

/** An interval of at least a minute, for about so many points. */
export function minuteInterval(span: MinuteSpan, points: number): { text: string; ms: number } {
  const { ms } = chartInterval(span, points);
  const whole = Math.max(ms, MINUTE_MS);
  return { text: shortSpan(whole), ms: whole };
}
