// What the server says about alerts, silences and messages.

import type { Change } from "./time_line";

export type Labels = Record<string, string>;

/** An alert that is pending, fires, or was just resolved. Times are those of events. */
export interface AlertRow {
  labels: Labels;
  annotations: Labels;
  state: "pending" | "firing" | "resolved";
  active_at: string;
  fired_at: string | null;
  resolved_at: string | null;
  bad: number;
  total: number;
  value: number | null;
  is_history: boolean;
  explanation: string;
  /** Newer servers say which records are meant. */
  fingerprint?: string;
  query?: string | null;
  from?: string | null;
  to?: string | null;
}

export interface AlertsAnswer {
  alerts: AlertRow[];
  history: Change[];
}

/** An alert as Alertmanager lists it: those that people are told of. */
export interface ToldAlert {
  fingerprint: string;
  labels: Labels;
  startsAt: string;
  receivers: { name: string }[];
  status: { state: string; silencedBy: string[]; inhibitedBy: string[]; mutedBy: string[] };
  explanation: string;
}

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface Silence {
  id: string;
  status: { state: "pending" | "active" | "expired" };
  comment: string;
  createdBy: string;
  startsAt: string;
  endsAt: string;
  matchers: Matcher[];
}

export interface ReceiverRow {
  receiver: string;
  kind: "mail" | "webhook";
  to: string;
  sent: number;
  failed: number;
  waiting: number;
  error: string | null;
}

export interface DueRow {
  receiver: string;
  group: string;
  next_at: string;
  told_at: string | null;
  repeat_after: string | null;
  is_muted: boolean;
  reason: string;
  alerts: { fingerprint: string; name: string; state: "active" | "suppressed" | "resolved" }[];
}

export interface OutboxRow {
  id: string | number;
  receiver: string;
  kind: string;
  to: string;
  title: string;
  waits_since: string;
  is_being_sent: boolean;
  error: string | null;
}

export interface SentRow {
  id: string | number;
  at: string;
  receiver: string;
  kind: string;
  to: string;
  title: string;
  outcome: "sent" | "given_up";
  error: string | null;
}

export interface NotificationsAnswer {
  receivers: ReceiverRow[];
  due: DueRow[];
  outbox: OutboxRow[];
  log: SentRow[];
}
