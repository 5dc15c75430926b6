// The latency heat map: which times are a row, which question counts it, how dark a cell is.
//
// Every cell is an exact count of records, so that it opens exactly those: each row of the map is one question with
// a range of `request_time`, instead of percentiles from which counts would be guessed.

/** The lower bounds of the rows in seconds; each row reaches up to the next one, the last has no end. */
export const LATENCY_BOUNDS: readonly number[] = [0, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12];

/** Steps of darkness, beside "none". */
export const SHADES = 6;

/** A row of the map: from `low` inclusive to `high` exclusive, in seconds. */
export interface LatencyBin {
  low: number;
  high: number | null;
}

/** The rows that times up to `longest` seconds need; at least one. */
export function binsUpTo(longest: number): LatencyBin[] {
  const needed = LATENCY_BOUNDS.filter((low, index) => index === 0 || low <= longest);
  return needed.map((low, index) => ({ low, high: LATENCY_BOUNDS[index + 1] ?? null }));
}

/** The range of `request_time` that is this row, in the query language. */
export function binRange(bin: LatencyBin): string {
  return bin.high === null ? `request_time:>=${bin.low}` : `request_time:[${bin.low} TO ${bin.high}}`;
}

/**
 * How dark a cell is: 0 without requests, else 1 to `SHADES`. By the square root, since a busy row would otherwise
 * make a handful of slow requests invisible, and those are what the map is looked at for.
 */
export function shadeOf(count: number, most: number): number {
  if (count <= 0 || most <= 0) return 0;
  return Math.max(1, Math.min(SHADES, Math.ceil(Math.sqrt(count / most) * SHADES)));
}

/** The starts of all intervals that a span touches, in milliseconds: cut in UTC, as the server cuts them. */
export function intervalStarts(from: number, to: number, step: number): number[] {
  const starts: number[] = [];
  for (let start = Math.floor(from / step) * step; start < to; start += step) starts.push(start);
  return starts;
}
