// What the server says about promises, and what would have become of other ones.

import type { Day } from "./budget_history";

export type SlaState = "met" | "broken" | "no_requests" | "unknown";

/** A promise and one of its instances. Shares are from 0 to 1. */
export interface SlaStatus {
  sla: string;
  service: string;
  source: string;
  route: string;
  method: string;
  promise: string;
  objective: number;
  state: SlaState;
  from: string;
  to: string | null;
  good: number;
  bad: number;
  good_share: number | null;
  budget: { allowed: number; spent: number; left_share: number | null };
  burn_rates: Record<string, number>;
  coverage: number;
  days: Day[];
}

export interface SlasAnswer {
  slas: SlaStatus[];
}
