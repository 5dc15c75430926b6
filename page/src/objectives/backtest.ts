// What would have become of another promise: the question to the server, and its answer.

import { ApiProblem, type Query, getJson } from "../api/client";
import type { Change } from "../alerts/time_line";
import { rfc3339 } from "../format/instant";
import { resolveTime } from "../format/time_expression";

const MINUTE_MS = 60_000;

/** A promise that is tried. Empty texts are as the config has it. */
export interface Trial {
  sla: string;
  threshold: string;
  objective: string;
  from: string;
  to: string;
}

export interface BacktestStep {
  from: string;
  good: number;
  bad: number;
  good_share: number | null;
}

export interface BacktestRow {
  kind: "sla" | "alert";
  name: string;
  data: { data: "slots" | "records" | "none"; from: string; to: string }[];
  good: number;
  bad: number;
  good_share: number | null;
  objective: number | null;
  budget: { allowed: number; spent: number; left_share: number | null } | null;
  firings: number;
  firing_minutes: number;
  steps: BacktestStep[];
  step_minutes: number;
}

export interface BacktestFiring {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  active_at: string;
  fired_at: string;
  resolved_at: string | null;
  minutes: number;
  bad: number;
  total: number;
}

export interface BacktestAnswer {
  from: string;
  to: string;
  rows: BacktestRow[];
  firings: BacktestFiring[];
  firings_total: number;
  firing_minutes: number;
  changes: Change[];
  mails: { total: number; receivers: { receiver: string; kind: string; messages: number }[] };
  warnings: string[];
  took_ms: number;
}

/** What is there and what would be, over the same span. */
export interface Comparison {
  asPromised: BacktestAnswer;
  tried: BacktestAnswer;
}

export async function runTrial(trial: Trial, zone: string, signal?: AbortSignal): Promise<Comparison> {
  const { sla } = trial;
  const { from, to } = spanOf(trial, Date.now(), zone);
  const changed = { threshold: trial.threshold || undefined, objective: trial.objective || undefined };
  // One after the other: the server judges one history at a time.
  const asPromised = await askPatiently({ sla, from, to }, signal);
  const tried = await askPatiently({ sla, ...changed, from, to }, signal);
  return { asPromised, tried };
}

const BUSY = 409;
const PAUSE_MS = 400;
const ATTEMPTS = 25;

/** Waits for a history that the server still judges, as of a trial that was changed meanwhile. */
async function askPatiently(query: Query, signal?: AbortSignal): Promise<BacktestAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await getJson<BacktestAnswer>("api/backtest", query, signal);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== BUSY || attempt === ATTEMPTS) throw error;
    }
    await new Promise((later) => setTimeout(later, PAUSE_MS));
    signal?.throwIfAborted();
  }
}

/** Both questions are about the same moments, so that their answers can lie over each other. What is no time is sent as it is: the server says what is wrong with it. */
export function spanOf({ from, to }: Pick<Trial, "from" | "to">, now: number, zone: string): { from: string; to: string } {
  const moment = (text: string) => {
    const ms = resolveTime(text, now, zone);
    return ms === null ? text : rfc3339(Math.floor(ms / MINUTE_MS) * MINUTE_MS);
  };
  return { from: moment(from), to: moment(to) };
}

/** Which parts of the span nothing is known about, or only of what is kept. */
export function gapsOf(row: BacktestRow | undefined, kind: "none" | "records"): { from: string; to: string }[] {
  return (row?.data ?? []).filter((part) => part.data === kind);
}

/** Whether a percentage can be an objective. */
export function isObjective(text: string): boolean {
  const value = Number(text);
  return text.trim() === "" || (Number.isFinite(value) && value > 0 && value < 100);
}

/** A time as the config writes it: a number alone means seconds. */
export function thresholdText(text: string): string {
  const trimmed = text.trim();
  return /^[\d.]+$/.test(trimmed) ? `${trimmed}s` : trimmed;
}
