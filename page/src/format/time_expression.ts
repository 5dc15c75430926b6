// Times as people type them: `now-1h`, `now/d`, RFC 3339, a day, epoch. The page resolves them itself, once for all that
// a view asks, so that the list, the chart and the counts are about the same span.

import { fromWallClock, offsetMs } from "./instant";

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const RELATIVE = /^now((?:[+-]\d+(?:ms|[smhdw]))*)(?:\/([smhdw]))?((?:[+-]\d+(?:ms|[smhdw]))*)$/;
const WALL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/i;

/** Milliseconds since 1970, or `null` where it is no time. Without an offset it is read in the zone. */
export function resolveTime(text: string, nowMs: number, zone = "UTC"): number | null {
  const trimmed = text.trim();
  const relative = RELATIVE.exec(trimmed);
  if (relative) return resolveRelative(relative, nowMs);
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) {
    const number = Number(trimmed);
    return Math.abs(number) >= 1e11 ? number : number * 1000;
  }
  return resolveWall(WALL.exec(trimmed), zone);
}

/** Whether it moves with the clock. */
export function isRelative(text: string): boolean {
  return RELATIVE.test(text.trim());
}

function resolveRelative([, first = "", unit, second = ""]: RegExpExecArray, nowMs: number): number {
  let ms = nowMs + sumOf(first);
  // Days of `/d` are those of UTC, as the server has them.
  if (unit === "w") ms = Math.floor((ms - 4 * 864e5) / 6048e5) * 6048e5 + 4 * 864e5;
  else if (unit) ms = Math.floor(ms / (UNIT_MS[unit] ?? 1)) * (UNIT_MS[unit] ?? 1);
  return ms + sumOf(second);
}

function sumOf(steps: string): number {
  let sum = 0;
  for (const [, sign, count, unit = ""] of steps.matchAll(/([+-])(\d+)(ms|[smhdw])/g)) {
    sum += (sign === "-" ? -1 : 1) * Number(count) * (unit === "ms" ? 1 : (UNIT_MS[unit] ?? 0));
  }
  return sum;
}

function resolveWall(match: RegExpExecArray | null, zone: string): number | null {
  if (!match) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", offset] = match;
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  // 30 February becomes 2 March; that is no time but a slip.
  const isReal = new Date(wall).getUTCDate() === Number(day) && Number(month) <= 12 && Number(hour) < 24;
  if (!isReal) return null;
  const ms = wall + Math.floor(Number(fraction) * 1000);
  if (!offset) return fromWallClock(ms, zone);
  if (offset.toUpperCase() === "Z") return ms;
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(offset) ?? [];
  return ms - (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** The beginning of the day in the zone. */
export function startOfDay(ms: number, zone: string): number {
  const wall = ms + offsetMs(ms, zone);
  return fromWallClock(Math.floor(wall / 864e5) * 864e5, zone);
}
