// A request's records on one line of time. A request's own record says when its answer was sent and how long it took, so
// it is a bar that ends there; an event is a moment.

import { type Hit, idOf, timeOf } from "../api/records";
import { valueText } from "../parts/visible_text";
import { type Severity, severityOf } from "../search/severity";

export interface StoryStep {
  id: string;
  hit: Hit;
  startMs: number;
  endMs: number;
  /** Whether it has a length, or is a moment. */
  isSpan: boolean;
  source: string;
  severity: Severity;
}

export interface Story {
  steps: StoryStep[];
  startMs: number;
  endMs: number;
}

/** The steps by their beginning; of those that begin together the longest first, as it holds the others. */
export function storyOf(hits: Hit[]): Story {
  const steps = hits.map(stepOf).sort((left, right) => left.startMs - right.startMs || right.endMs - left.endMs);
  const startMs = Math.min(...steps.map((step) => step.startMs));
  const endMs = Math.max(...steps.map((step) => step.endMs));
  return { steps, startMs, endMs: Math.max(endMs, startMs + 1) };
}

function stepOf(hit: Hit): StoryStep {
  const endMs = microsOf(hit);
  const seconds = [hit["request_time"], hit["upstream_time"]].find((value) => typeof value === "number");
  const lengthMs = typeof seconds === "number" ? seconds * 1000 : 0;
  return {
    id: idOf(hit), hit, startMs: endMs - lengthMs, endMs, isSpan: seconds !== undefined,
    source: valueText(hit["source"]), severity: severityOf(hit["status"], hit["level"]),
  };
}

/** With the digits behind the millisecond, which a Date does not keep. */
function microsOf(hit: Hit): number {
  const digits = /\.\d{3}(\d{1,3})/.exec(String(hit["@timestamp"]))?.[1] ?? "";
  return timeOf(hit) + Number(digits.padEnd(3, "0")) / 1000;
}

/** Where something lies, in percent of the whole. */
export function share(ms: number, { startMs, endMs }: Story): number {
  return Math.min(100, Math.max(0, ((ms - startMs) / (endMs - startMs)) * 100));
}

/** Round marks along the line: 0, 50 ms, 100 ms, ... */
export function marksOf({ startMs, endMs }: Story, count = 5): number[] {
  const raw = (endMs - startMs) / count;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= raw) ?? raw;
  const marks: number[] = [];
  for (let ms = 0; ms <= endMs - startMs; ms += step) marks.push(ms);
  return marks;
}
