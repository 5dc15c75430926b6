// A duration as people type it, `2h`, `1h30m`, `1d`: how long a silence lasts.

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** In milliseconds; nothing where it is no duration, or one of no length. */
export function durationMs(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(\d+[smhdw])+$/.test(trimmed)) return null;
  let sum = 0;
  for (const [, count, unit = ""] of trimmed.matchAll(/(\d+)([smhdw])/g)) sum += Number(count) * (UNIT_MS[unit] ?? 0);
  return sum > 0 ? sum : null;
}
