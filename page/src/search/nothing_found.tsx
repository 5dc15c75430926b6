// Why nothing was found: what the server knows about it, whether a longer time has records, and which part of the query
// finds nothing.

import { type Span, search } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { compact, whole } from "../format/number";
import { rfc3339 } from "../format/instant";
import { setTimeRange } from "../frame/time_range";
import { Foreign } from "../parts/foreign";
import { Warnings } from "../parts/states";
import { searchText } from "../text";
import { runQuery } from "./conditions";
import { requiredParts } from "./query_text";

const WIDER: [string, string][] = [["now-1h", "1 h"], ["now-24h", "24 h"], ["now-7d", "7 d"], ["now-30d", "30 d"], ["0", ""]];
const PARTS_MAX = 8;

export function NothingFound({ span }: { span: Span }) {
  const key = `${span.query} ${span.from} ${span.to}`;
  const { answer } = useAnswer(key, (signal) => search({ ...span, limit: 0 }, signal));
  return (
    <div class="nothing">
      <h2>{searchText.nothing}</h2>
      <Warnings warnings={answer?.warnings} isPartial={answer?.is_partial} />
      <WiderTimes span={span} />
      <Parts span={span} />
    </div>
  );
}

function WiderTimes({ span }: { span: Span }) {
  const spanMs = Date.parse(span.to) - Date.parse(span.from);
  const wider = WIDER.filter(([from]) => from === "0" || lengthOf(from) > spanMs || Date.parse(span.to) < Date.now() - 60_000);
  const { answer: counts } = useAnswer(`${span.query} ${span.from} ${span.to} wider`, (signal) =>
    inTurn(wider, ([from]) => search({ query: span.query, from, to: "now", limit: 0 }, signal).then(({ total }) => total ?? 0)));
  if (!counts?.some((count) => count > 0)) return null;
  return (
    <section>
      <h3>{searchText.nothingWider}</h3>
      <ul class="nothing-list">
        {wider.map(([from, text], index) => (
          <li key={from}>
            <button type="button" class="button" disabled={!counts[index]} onClick={() => setTimeRange(from === "0" ? rfc3339(0) : from, "now")}>
              {text ? searchText.nothingInLast(text) : searchText.nothingEver}
            </button>
            <span class="number">{searchText.records(whole(counts[index] ?? 0))}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Parts({ span }: { span: Span }) {
  const parts = requiredParts(span.query);
  const isAsked = parts.length > 1 && parts.length <= PARTS_MAX;
  const { answer: counts } = useAnswer(isAsked ? `${span.query} ${span.from} ${span.to} parts` : null, (signal) =>
    inTurn(parts, (query) => search({ ...span, query, limit: 0 }, signal).then(({ total }) => total ?? 0)));
  if (!isAsked || !counts) return null;
  return (
    <section>
      <h3>{searchText.nothingParts}</h3>
      <ul class="nothing-list">
        {parts.map((part, index) => (
          <li key={part}>
            <Foreign text={part} max={200} class="mono" />
            {counts[index] ? <span class="number">{compact(counts[index] ?? 0)}</span> : <strong class="bad">{searchText.nothingEmptyPart}</strong>}
            <button type="button" class="link-button" onClick={() => runQuery(parts.filter((_, other) => other !== index).join(" AND "))}>{searchText.nothingWithout}</button>
          </li>
        ))}
      </ul>
      {counts.every((count) => count > 0) && <p class="hint">{searchText.nothingTogether}</p>}
    </section>
  );
}

function lengthOf(from: string): number {
  const [, count = "0", unit = "h"] = /^now-(\d+)([hd])$/.exec(from) ?? [];
  return Number(count) * (unit === "d" ? 86_400_000 : 3_600_000);
}

/** One after the other: a server answers a few questions at a time, and others ask too. */
async function inTurn<T>(items: T[], ask: (item: T) => Promise<number>): Promise<number[]> {
  const counts: number[] = [];
  for (const item of items) counts.push(await ask(item).catch(() => 0));
  return counts;
}
