// The span that all views are about. In the address it stands as the reader wrote it (`now-1h`); a view gets it resolved,
// once per visit and refresh, so that everything on screen is about the same moment.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";

import { shortSpan, span } from "../format/duration";
import { dateMinute, dateTime, rfc3339 } from "../format/instant";
import { isRelative, resolveTime } from "../format/time_expression";
import { frameText } from "../text";
import { navigate, useLocation } from "./location";
import { useZone } from "./zone";

export interface TimeRange {
  /** As in the address: `now-1h`, RFC 3339, ... */
  from: string;
  to: string;
  /** Resolved, inclusive and exclusive, in milliseconds. */
  fromMs: number;
  toMs: number;
  /** Resolved, as the server takes it. */
  fromTime: string;
  toTime: string;
  /** Whether `to` is now, so that a refresh brings more. */
  isLive: boolean;
}

export const DEFAULT_FROM = "now-1h";
export const DEFAULT_TO = "now";
const HOUR_MS = 3_600_000;
const REFRESH = "weir:refresh";

/** Changes when the reader asks for what is new. */
let refreshedAt = Date.now();

export function refresh(): void {
  refreshedAt = Date.now();
  window.dispatchEvent(new Event(REFRESH));
}

/** The span of the view, resolved. Times without an offset are read in the zone that is shown. */
export function useTimeRange(): TimeRange {
  const { params } = useLocation();
  const { zone } = useZone();
  const [now, setNow] = useState(refreshedAt);
  const from = params["from"] || DEFAULT_FROM;
  const to = params["to"] || DEFAULT_TO;
  useEffect(() => {
    const update = () => setNow(refreshedAt);
    update();
    window.addEventListener(REFRESH, update);
    return () => window.removeEventListener(REFRESH, update);
  }, []);
  return useMemo(() => resolveRange(from, to, now, zone), [from, to, now, zone]);
}

export function resolveRange(from: string, to: string, now: number, zone: string): TimeRange {
  const toMs = resolveTime(to, now, zone) ?? now;
  const fromMs = resolveTime(from, now, zone) ?? toMs - HOUR_MS;
  return {
    from, to, fromMs, toMs, fromTime: rfc3339(fromMs), toTime: rfc3339(toMs),
    isLive: isRelative(to) && Math.abs(toMs - now) < 1000,
  };
}

/** Shows another span; `from` and `to` as they shall stand in the address. */
export function setTimeRange(from: string, to: string): void {
  refreshedAt = Date.now();
  navigate({ from: from === DEFAULT_FROM && to === DEFAULT_TO ? undefined : from, to: to === DEFAULT_TO ? undefined : to });
  window.dispatchEvent(new Event(REFRESH));
}

/** Shows a span of moments: what a brush on a chart gives. */
export function setTimeRangeMs(fromMs: number, toMs: number): void {
  setTimeRange(rfc3339(Math.floor(fromMs)), rfc3339(Math.ceil(toMs)));
}

/** Moves by half of the span's length. */
export function useShift(): { earlier: () => void; later: () => void; widen: () => void } {
  const { fromMs, toMs } = useTimeRange();
  const length = toMs - fromMs;
  const move = useCallback((before: number, behind: number) => setTimeRangeMs(fromMs + before, toMs + behind), [fromMs, toMs]);
  return {
    earlier: () => move(-length / 2, -length / 2),
    later: () => move(length / 2, length / 2),
    widen: () => move(-length / 2, length / 2),
  };
}

/** `Last 1 h`, or the two moments in the zone. */
export function rangeTitle(range: TimeRange, zone: string): string {
  const ago = /^now-(\d+)([smhdw])$/.exec(range.from);
  if (ago && range.to === "now") return frameText.range.last(`${ago[1]} ${ago[2]}`);
  if (range.from === "now/d" && range.to === "now") return frameText.range.today;
  const areMinutes = (range.fromMs % 60_000) + (range.toMs % 60_000) === 0;
  const shown = (ms: number) => (areMinutes ? dateMinute(ms, zone) : dateTime(ms, zone));
  const [from, to] = [shown(range.fromMs), shown(range.toMs)];
  return `${from} – ${to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to}`;
}

/** How long it is: `1 h`. */
export function rangeLength(range: TimeRange): string {
  return span(range.toMs - range.fromMs);
}

const STEPS_MS = [
  1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
  10_800_000, 21_600_000, 43_200_000, 86_400_000, 604_800_000,
];

/** The interval that gives a chart about so many points, as the server takes it (`1m`) and in milliseconds. */
export function chartInterval(range: { fromMs: number; toMs: number }, points = 110): { text: string; ms: number } {
  const wanted = (range.toMs - range.fromMs) / points;
  const ms = STEPS_MS.find((step) => step >= wanted) ?? 604_800_000;
  return { text: shortSpan(ms), ms };
}
