// The account of every source in one line, its details below: received is stored, rejected, dropped, or still queued.

import { useState } from "preact/hooks";

import { span } from "../format/duration";
import { dateTime } from "../format/instant";
import { rate, whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Badge, type Tone } from "../parts/badge";
import { sourcesText } from "../text";
import { type Account, type Liveness, accountOf, livenessOf } from "./account";
import type { SourceStatus } from "./shapes";
import { SourceDetails } from "./source_details";

const words = sourcesText;
const TONES: Record<Liveness, Tone> = { current: "good", behind: "warn", unknown: "unknown" };
const COLUMNS = 11;

interface SourceTableProps {
  sources: SourceStatus[];
  rates: Map<string, number | null>;
}

export function SourceTable({ sources, rates }: SourceTableProps) {
  const { columns } = words;
  return (
    <>
      <div class="table-place" role="region" aria-label={words.title} tabIndex={0}>
        <table class="data source-table">
          <thead>
            <tr>
              <th scope="col">{columns.name}</th><th scope="col">{columns.liveness}</th><th scope="col" class="number">{columns.received}</th>
              <th scope="col" class="number wide-only">= {columns.stored}</th><th scope="col" class="number">+ {columns.rejected}</th>
              <th scope="col" class="number">+ {columns.dropped}</th><th scope="col" class="number wide-only">+ {columns.queued}</th>
              <th scope="col" class="number wide-only">{columns.rate}</th><th scope="col" class="wide-only">{columns.completeTo}</th>
              <th scope="col" class="number wide-only">{columns.lag}</th><th scope="col" class="wide-only">{columns.last}</th>
            </tr>
          </thead>
          <tbody>{sources.map((source) => <SourceRow key={source.name} source={source} rate={rates.get(source.name) ?? null} />)}</tbody>
        </table>
      </div>
      <p class="hint">{words.accountHint}</p>
    </>
  );
}

function SourceRow({ source, rate: perSecond }: { source: SourceStatus; rate: number | null }) {
  const [isOpen, setOpen] = useState(false);
  const { zone } = useZone();
  const account = accountOf(source);
  const moment = (text: string | null) => (text === null ? words.never : dateTime(Date.parse(text), zone));
  return (
    <>
      <tr>
        <th scope="row">
          <button type="button" class="disclosure" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> <b>{source.name}</b> <span class="quiet wide-only">{source.kind}</span>
          </button>
        </th>
        <td><LivenessBadge source={source} /></td>
        <td class="number">{whole(account.received)}</td>
        <td class="number wide-only">{whole(account.stored)}</td>
        <td class="number">{account.rejected > 0 ? <a href={addressOf("sources", { tab: "rejects", source: source.name })}>{whole(account.rejected)}</a> : "0"}</td>
        <td class={`number ${account.dropped > 0 ? "is-bad" : ""}`}>{whole(account.dropped)}</td>
        <td class="number wide-only"><Queued account={account} /></td>
        <td class="number wide-only">{perSecond === null ? <span class="quiet">{words.measuring}</span> : rate(perSecond)}</td>
        <td class="wide-only moment-cell">{moment(source.complete_to)}</td>
        <td class="number wide-only">{source.lag_seconds === null ? "–" : span(source.lag_seconds * 1000)}</td>
        <td class="wide-only moment-cell">{moment(source.last_record)}</td>
      </tr>
      {isOpen && <tr class="details-row"><td colSpan={COLUMNS}><SourceDetails source={source} /></td></tr>}
    </>
  );
}

function LivenessBadge({ source }: { source: SourceStatus }) {
  const liveness = livenessOf(source);
  return <Badge tone={TONES[liveness]} text={words.liveness[liveness] ?? liveness} hint={words.livenessHint[liveness]} />;
}

/** An account that does not close is a fault of the server, and said. */
function Queued({ account }: { account: Account }) {
  if (account.queued < 0) return <span class="is-bad">{words.accountWrong}</span>;
  return <>{whole(account.queued)}</>;
}
