// What the view of sources is made of.

import { useRef } from "preact/hooks";

import { getJson, postJson } from "../api/client";
import { type Answer, useAnswer } from "../api/use_answer";
import { rateBetween } from "./account";
import type { AuditPage, RejectDetail, RejectsPage, ReplayResult, ServerStatus, SourcesAnswer } from "./shapes";

const REJECTS_PER_PAGE = 100;
const AUDIT_PER_PAGE = 100;

interface Look {
  at: number;
  counts: Map<string, number>;
}

/** Sources, and how many records each receives in a second, from this look and the one before. */
export function useSources(key: string): Answer<SourcesAnswer> & { rates: Map<string, number | null> } {
  const looks = useRef<{ before: Look | null; now: Look | null }>({ before: null, now: null });
  const answer = useAnswer(`sources ${key}`, async (signal) => {
    const sources = await getJson<SourcesAnswer>("api/sources", {}, signal);
    const counts = new Map(sources.sources.map(({ name, received }) => [name, received]));
    looks.current = { before: looks.current.now, now: { at: Date.now(), counts } };
    return sources;
  });
  const { before, now } = looks.current;
  const rates = new Map([...(now?.counts ?? [])].map(([name, count]) => {
    const old = before?.counts.get(name);
    return [name, rateBetween(before && old !== undefined ? { at: before.at, count: old } : null, { at: now?.at ?? 0, count })];
  }));
  return { ...answer, rates };
}

export interface RejectsChoice {
  source: string;
  reason: string;
  after: number;
}

export function useRejects({ source, reason, after }: RejectsChoice, round: number): Answer<RejectsPage> {
  return useAnswer(`rejects ${source} ${reason} ${after} ${round}`, (signal) =>
    getJson<RejectsPage>("api/rejects", { source: source || undefined, reason: reason || undefined, after: after || undefined, limit: REJECTS_PER_PAGE }, signal));
}

export function useReject(id: number): Answer<RejectDetail> {
  return useAnswer(`reject ${id}`, (signal) => getJson<RejectDetail>(`api/rejects/${id}`, {}, signal));
}

/** Which rejects to read again, and with which text instead of their own. */
export interface ReplayChoice {
  ids?: number[];
  source?: string;
  reason?: string;
  text?: string;
}

export function replay(choice: ReplayChoice): Promise<ReplayResult> {
  return postJson<ReplayResult>("api/rejects/replay", choice);
}

export function useServerStatus(key: string): Answer<ServerStatus> {
  return useAnswer(`status ${key}`, (signal) => getJson<ServerStatus>("api/status", {}, signal));
}

export function useAudit(before: number | null): Answer<AuditPage> {
  return useAnswer(`audit ${before}`, (signal) => getJson<AuditPage>("api/audit", { before: before ?? undefined, limit: AUDIT_PER_PAGE }, signal));
}
