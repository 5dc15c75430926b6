// What the server says about routes and records, as far as these views read it.

/** What a row of the table is about; empty texts where the server does not know. */
export interface RouteKey {
  source: string;
  service: string;
  route: string;
  method: string;
}

/** A route's numbers; times in seconds, rate per second, the ratio from 0 to 1. */
export interface RouteRow extends RouteKey {
  count: number;
  rate: number;
  error_ratio: number;
  avg: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface RoutesAnswer {
  routes: RouteRow[];
  complete_to: string | null;
  percentiles: { is_exact: boolean; error_bound: number | null };
  warnings: string[];
  is_partial: boolean;
}

export interface AggregateAnswer<Row> {
  rows: Row[];
  is_exact: boolean;
  error_bound: number;
  is_cut: boolean;
  complete_to: string | null;
  warnings: string[];
  is_partial: boolean;
}

export interface Hit extends Record<string, unknown> {
  _id: string;
  "@timestamp": string;
}

export interface SearchAnswer {
  hits: Hit[];
  total: number | null;
  complete_to: string | null;
  warnings: string[];
}
