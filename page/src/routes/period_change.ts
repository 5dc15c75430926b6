// What a number did against the period before, and which period that is.
//
// A route that is new, or gone, has no ratio: "+∞ %" says nothing, so these are cases of their own.

/** How a number stands against the one before. `factor` is 1 where nothing changed. */
export type Change =
  | { kind: "none" }
  | { kind: "new" }
  | { kind: "gone" }
  | { kind: "changed"; factor: number };

/** A span in milliseconds since 1970; `to` exclusive. */
export interface Span {
  from: number;
  to: number;
}

/** The span of the same length that ends where `span` begins. */
export function periodBefore(span: Span): Span {
  return { from: span.from - (span.to - span.from), to: span.from };
}

/** How `now` stands against `before`; without either there is nothing to say. */
export function changeAgainst(now: number | null, before: number | null): Change {
  if (now === null && before === null) return { kind: "none" };
  if (before === null || (before === 0 && now !== 0)) return { kind: "new" };
  if (now === null) return { kind: "gone" };
  if (before === 0) return { kind: "changed", factor: 1 };
  return { kind: "changed", factor: now / before };
}

/** A number to sort by: what is new stands above everything that grew, what is gone below everything that shrank. */
export function changeRank(change: Change): number | null {
  switch (change.kind) {
    case "none":
      return null;
    case "new":
      return Number.POSITIVE_INFINITY;
    case "gone":
      return 0;
    case "changed":
      return change.factor;
  }
}

/** `+12 %`, `−40 %`, `×3.2`: a percentage up to twice as much, a factor beyond. */
export function changeText(factor: number): string {
  if (factor >= 2) return `×${factor >= 10 ? Math.round(factor) : factor.toFixed(1)}`;
  const percent = Math.round((factor - 1) * 100);
  if (percent === 0) return "±0 %";
  return percent > 0 ? `+${percent} %` : `−${-percent} %`;
}

/** Whether a change is large enough to be worth a sign. */
export function isNotable(change: Change): boolean {
  return change.kind === "new" || change.kind === "gone" || (change.kind === "changed" && (change.factor >= 1.5 || change.factor <= 0.67));
}
