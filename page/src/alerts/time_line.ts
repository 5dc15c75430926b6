// The history of alerts as bars: changes, the youngest first, become spans of time that an alert was in a state.
//
// A change says what an alert was and what it became. What it was before the first change that is known began
// before the time line does; what it is after the last one goes on until now.

/** A change, as the API lists it. */
export interface Change {
  at: string;
  labels: Record<string, string>;
  from: string;
  to: string;
  bad: number;
  total: number;
  is_history: boolean;
  fingerprint?: string;
}

/** A state that an alert was in for some time; times in milliseconds. */
export interface Stretch {
  state: "pending" | "firing";
  from: number;
  to: number;
  /** Whether it goes on. */
  isOpen: boolean;
  /** What was too much of how many when it began. */
  bad: number;
  total: number;
  isHistory: boolean;
}

/** An alert and its stretches, the oldest first. */
export interface Lane {
  key: string;
  labels: Record<string, string>;
  fingerprint: string | null;
  stretches: Stretch[];
}

/** What tells alerts apart: all of their labels, whatever their order. */
export function labelKey(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** One lane for each alert, the one that changed last first. */
export function lanesOf(changes: readonly Change[], now: number): Lane[] {
  const byAlert = new Map<string, Change[]>();
  for (const change of changes) {
    const key = labelKey(change.labels);
    const known = byAlert.get(key);
    if (known) known.unshift(change);
    else byAlert.set(key, [change]);
  }
  return [...byAlert].map(([key, own]) => laneOf(key, own, now));
}

/** `changes` are of one alert, the oldest first. */
function laneOf(key: string, changes: Change[], now: number): Lane {
  const stretches = changes.flatMap((change, index) => {
    const next = changes[index + 1];
    const from = Date.parse(change.at);
    const to = next ? Date.parse(next.at) : now;
    if (change.to !== "pending" && change.to !== "firing") return [];
    const stretch: Stretch = { state: change.to, from, to: Math.max(from, to), isOpen: next === undefined, bad: change.bad, total: change.total, isHistory: change.is_history };
    return [stretch];
  });
  const last = changes[changes.length - 1];
  return { key, labels: last?.labels ?? {}, fingerprint: last?.fingerprint ?? null, stretches };
}

/** Where a stretch lies on a line from `from` to `to`, as shares of its length; nothing where it lies outside. */
export function placeOf(stretch: Pick<Stretch, "from" | "to">, from: number, to: number): { start: number; length: number } | null {
  const [start, end] = [Math.max(stretch.from, from), Math.min(stretch.to, to)];
  if (end < start || stretch.to < from || stretch.from >= to || to <= from) return null;
  return { start: (start - from) / (to - from), length: (end - start) / (to - from) };
}

/** How long an alert fired between two times, in milliseconds. */
export function firedFor(lane: Lane, from: number, to: number): number {
  const within = (stretch: Stretch) => Math.max(0, Math.min(stretch.to, to) - Math.max(stretch.from, from));
  return lane.stretches.filter((stretch) => stretch.state === "firing").reduce((sum, stretch) => sum + within(stretch), 0);
}
