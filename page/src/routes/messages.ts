// Messages that say the same but for their numbers and ids, as one: what failed, how often, for how many people.

import type { Hit } from "./shapes";

export interface MessageGroup {
  /** The first line, with numbers and ids as `…`. */
  template: string;
  count: number;
  /** Different people among them. */
  users: number;
  /** The latest of them. */
  latest: Hit;
}

const FIRST_LINE_MAX = 300;

/** The first line of a message, without what tells one occurrence from the next. */
export function templateOf(message: string): string {
  const first = message.split(/\r?\n/, 1)[0] ?? "";
  return first
    .slice(0, FIRST_LINE_MAX)
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, "…")
    .replace(/\b(?=[0-9a-z]*\d)[0-9a-z]{4,}\b/gi, "…")
    .replace(/\d+(?:[.,]\d+)*/g, "…");
}

/** The most frequent first; equal ones by what came last. */
export function groupMessages(hits: readonly Hit[]): MessageGroup[] {
  const groups = new Map<string, { hits: Hit[]; users: Set<string> }>();
  for (const hit of hits) {
    const template = templateOf(String(hit["message"] ?? ""));
    const group = groups.get(template) ?? { hits: [], users: new Set() };
    group.hits.push(hit);
    if (typeof hit["user_email"] === "string") group.users.add(hit["user_email"]);
    groups.set(template, group);
  }
  return [...groups].map(([template, { hits, users }]) => grouped(template, hits, users)).sort(byCount);
}

function grouped(template: string, hits: Hit[], users: Set<string>): MessageGroup {
  const latest = hits.reduce((one, other) => (Date.parse(other["@timestamp"]) > Date.parse(one["@timestamp"]) ? other : one));
  return { template, count: hits.length, users: users.size, latest };
}

function byCount(one: MessageGroup, other: MessageGroup): number {
  return other.count - one.count || Date.parse(other.latest["@timestamp"]) - Date.parse(one.latest["@timestamp"]);
}
