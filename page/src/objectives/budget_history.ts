// How the budget of a promise went down day by day.
//
// The budget is the share of all requests of the span that may be bad. Each day takes its bad requests from it, so
// that the line only falls and its last point is the number that the table shows.

/** A day's counts, as the API lists them. */
export interface Day {
  from: string;
  good: number;
  bad: number;
}

/** A point of the history. */
export interface BudgetPoint {
  /** The start of the day, in milliseconds. */
  at: number;
  good: number;
  bad: number;
  /** The share of the budget left when the day was over; below 0 where more was spent. */
  left: number | null;
  /** The share of the whole span's budget that this day took. */
  spent: number;
}

const HOUR_MS = 3_600_000;

/** From when on the counts of a span are: the server counts long spans from the start of the hour that they begin in. */
export function countedFrom(from: string): number {
  return Math.floor(Date.parse(from) / HOUR_MS) * HOUR_MS;
}

/** The history from the days of the span, the oldest first; `objective` is a percentage. */
export function budgetHistory(days: readonly Day[], objective: number): BudgetPoint[] {
  const allowedShare = 1 - objective / 100;
  const all = days.reduce((sum, day) => sum + day.good + day.bad, 0);
  const allowed = all * allowedShare;
  let spent = 0;
  return days.map((day) => {
    spent += day.bad;
    return {
      at: Date.parse(day.from),
      good: day.good,
      bad: day.bad,
      left: allowed > 0 ? 1 - spent / allowed : null,
      spent: allowed > 0 ? day.bad / allowed : 0,
    };
  });
}

/** How many more requests may be bad; below 0 how many too many were. */
export function requestsLeft(allowed: number, spent: number): number {
  const left = allowed - spent;
  return left >= 0 ? Math.floor(left) : -Math.ceil(-left);
}

/** When the budget is used up at this speed, in hours; nothing where it does not shrink or is used up. */
export function hoursUntilSpent(leftShare: number | null, burnRate: number, spanHours: number): number | null {
  if (leftShare === null || leftShare <= 0 || burnRate <= 0) return null;
  return (leftShare * spanHours) / burnRate;
}
