// The rows of the table with what stands beside them: the period before, and the promises about them.

import type { SlaStatus } from "../objectives/shapes";
import { type Change, changeAgainst } from "./period_change";
import type { RouteKey, RouteRow } from "./shapes";

/** A row and how it stands against the period before. */
export interface ComparedRow extends RouteRow {
  changes: { rate: Change; errors: Change; p95: Change };
}

/** What tells rows apart. */
export function rowKey({ source, service, route, method }: RouteKey): string {
  return [source, service, route, method].join("\u0000");
}

/** Each row against the one before; with nothing at all before, nothing is said to be new. */
export function comparedRows(rows: RouteRow[], before: RouteRow[] | undefined): ComparedRow[] {
  const known = new Map((before ?? []).map((row) => [rowKey(row), row]));
  const none: Change = { kind: "none" };
  return rows.map((row) => {
    if (known.size === 0) return { ...row, changes: { rate: none, errors: none, p95: none } };
    const old = known.get(rowKey(row));
    return {
      ...row,
      changes: {
        rate: changeAgainst(row.rate, old?.rate ?? null),
        errors: old ? changeAgainst(row.error_ratio, old.error_ratio) : none,
        p95: old ? changeAgainst(row.p95, old.p95) : none,
      },
    };
  });
}

const SEVERITY = ["met", "no_requests", "unknown", "broken"];

/** The promise about a row that is worst off: one about the route itself where there is any, else about the service. */
export function promiseOf(row: RouteKey, slas: readonly SlaStatus[]): { sla: SlaStatus; isOfRoute: boolean } | null {
  const isAbout = (sla: SlaStatus) =>
    sla.service === row.service && sla.source === row.source &&
    (sla.route === "" || sla.route === row.route) && (sla.method === "" || sla.method === row.method);
  const about = slas.filter(isAbout);
  const ofRoute = about.filter((sla) => sla.route !== "" || sla.method !== "");
  const chosen = worstOf(ofRoute.length > 0 ? ofRoute : about);
  return chosen ? { sla: chosen, isOfRoute: ofRoute.length > 0 } : null;
}

function worstOf(slas: SlaStatus[]): SlaStatus | undefined {
  return [...slas].sort((one, other) => SEVERITY.indexOf(other.state) - SEVERITY.indexOf(one.state))[0];
}

/** By what a reader sorts when he looks for trouble: broken first. */
export function severityOf(state: string): number {
  return SEVERITY.indexOf(state);
}
