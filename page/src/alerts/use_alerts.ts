// What the views of alerts are made of. Alerts that people are told of come twice: with their numbers, and as
// Alertmanager lists them with who is told; the labels say which belong together.

import { deleteAt, getJson, postJson } from "../api/client";
import { type Answer, useAnswer } from "../api/use_answer";
import type { SourcesAnswer } from "../sources/shapes";
import type { AlertRow, AlertsAnswer, Matcher, NotificationsAnswer, Silence, ToldAlert } from "./shapes";
import { labelKey } from "./time_line";

export function useAlerts(key: string | number): Answer<AlertsAnswer> {
  return useAnswer(`alerts ${key}`, (signal) => getJson<AlertsAnswer>("api/alerts", {}, signal));
}

export function useToldAlerts(key: string | number): Answer<ToldAlert[]> {
  return useAnswer(`told ${key}`, (signal) => getJson<ToldAlert[]>("api/v2/alerts", {}, signal));
}

export function useSilences(key: string | number): Answer<Silence[]> {
  return useAnswer(`silences ${key}`, (signal) => getJson<Silence[]>("api/v2/silences", {}, signal));
}

export function useNotifications(key: string | number): Answer<NotificationsAnswer> {
  return useAnswer(`notifications ${key}`, (signal) => getJson<NotificationsAnswer>("api/notifications", {}, signal));
}

export function useSourcesOfAlerts(key: string | number): Answer<SourcesAnswer> {
  return useAnswer(`sources ${key}`, (signal) => getJson<SourcesAnswer>("api/sources", {}, signal));
}

export interface NewSilence {
  matchers: Matcher[];
  lastsMs: number;
  createdBy: string;
  comment: string;
}

export function makeSilence({ matchers, lastsMs, createdBy, comment }: NewSilence): Promise<{ silenceID: string }> {
  const now = Date.now();
  return postJson("api/v2/silences", {
    matchers, createdBy, comment, startsAt: new Date(now).toISOString(), endsAt: new Date(now + lastsMs).toISOString(),
  });
}

export function expireSilence(id: string): Promise<void> {
  return deleteAt(`api/v2/silence/${encodeURIComponent(id)}`);
}

/** An alert with what is known of who is told. */
export interface KnownAlert extends AlertRow {
  told: ToldAlert | null;
  /** The number in its address; `null` where the server does not say. */
  number: string | null;
  isSilenced: boolean;
}

const ORDER = ["firing", "pending", "resolved"];

/** Firing ones first, of these the ones that people are told of, the youngest first. */
export function knownAlerts(rows: readonly AlertRow[], told: readonly ToldAlert[]): KnownAlert[] {
  const byLabels = new Map(told.map((alert) => [labelKey(alert.labels), alert]));
  const known = rows.map((row) => {
    const of = byLabels.get(labelKey(row.labels)) ?? null;
    return { ...row, told: of, number: row.fingerprint ?? of?.fingerprint ?? null, isSilenced: (of?.status.silencedBy.length ?? 0) > 0 };
  });
  const rank = (alert: KnownAlert) => ORDER.indexOf(alert.state) * 2 + Number(alert.isSilenced);
  return known.sort((one, other) => rank(one) - rank(other) || Date.parse(other.active_at) - Date.parse(one.active_at));
}
