// Lengths of time as text: what a request took, and how long ago something was.

import { significant } from "./number";

/** What a request took, from seconds: `0.8 ms`, `412 ms`, `1.25 s`, `2 m 5 s`. */
export function latency(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds === 0) return "0 ms";
  if (Math.abs(seconds) < 0.9995) return `${significant(seconds * 1000)} ms`;
  if (Math.abs(seconds) < 120) return `${significant(seconds)} s`;
  return span(seconds * 1000);
}

const UNITS: [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "m"], [1000, "s"]];

/** A length of time by its two largest units: `3 d 4 h`, `12 s`, `350 ms`. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`;
  const sign = ms < 0 ? "-" : "";
  let rest = Math.round(Math.abs(ms) / 1000) * 1000;
  const parts: string[] = [];
  for (const [unitMs, unit] of UNITS) {
    const count = Math.floor(rest / unitMs);
    if (count === 0 && parts.length === 0) continue;
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * unitMs;
    // The second unit is the neighbour or nothing: `3 d 4 s` says more than is meant.
    if (parts.length === 2 || rest < unitMs / 100) break;
    if (parts.length === 1 && count === 0) break;
  }
  return sign + parts.join(" ");
}

/** As Prometheus and the config write it: `5m`, `1h30m`. */
export function shortSpan(ms: number): string {
  let rest = Math.round(ms);
  let text = "";
  for (const [unitMs, unit] of [...UNITS, [1, "ms"] as [number, string]]) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text || "0s";
}
