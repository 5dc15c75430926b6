// Moments as text in a zone, and back. Intl's formatters are slow to make and to use, so only the zone's offset comes
// from them, remembered per quarter of an hour (offsets never change within one).

const QUARTER_MS = 900_000;
const OFFSETS_MAX = 20_000;

const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** How far the zone is ahead of UTC at that moment, in milliseconds. */
export function offsetMs(ms: number, zone: string): number {
  if (zone === "UTC") return 0;
  const quarter = Math.floor(ms / QUARTER_MS) * QUARTER_MS;
  const key = `${zone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const parts: Record<string, number> = {};
  for (const part of formatterOf(zone).formatToParts(quarter)) parts[part.type] = Number(part.value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter;
  if (offsets.size > OFFSETS_MAX) offsets.clear();
  offsets.set(key, offset);
  return offset;
}

function shifted(ms: number, zone: string): string {
  const date = new Date(ms + offsetMs(ms, zone));
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** `2026-11-20 10:15:02.118` */
export function dateTimeMillis(ms: number, zone: string): string {
  return shifted(ms, zone).slice(0, 23).replace("T", " ");
}

/** `2026-11-20 10:15:02` */
export function dateTime(ms: number, zone: string): string {
  return dateTimeMillis(ms, zone).slice(0, 19);
}

/** `2026-11-20 10:15` */
export function dateMinute(ms: number, zone: string): string {
  return dateTimeMillis(ms, zone).slice(0, 16);
}

/** `10:15:02` */
export function clockTime(ms: number, zone: string): string {
  return dateTimeMillis(ms, zone).slice(11, 19);
}

/** `2026-11-20` */
export function date(ms: number, zone: string): string {
  return dateTimeMillis(ms, zone).slice(0, 10);
}

/** `+01:00`, `Z` for UTC. */
export function offsetText(ms: number, zone: string): string {
  if (zone === "UTC") return "Z";
  const minutes = Math.round(offsetMs(ms, zone) / 60_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

/** RFC 3339 in UTC, as the server takes it: `2026-11-20T10:15:02.118Z`, without milliseconds where there are none. */
export function rfc3339(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace(".000Z", "Z");
}

/** The moment at which clocks of the zone show this; the earlier one where they show it twice. */
export function fromWallClock(wallMs: number, zone: string): number {
  const first = wallMs - offsetMs(wallMs, zone);
  const second = wallMs - offsetMs(first, zone);
  return offsetMs(second, zone) === wallMs - second ? second : first;
}
