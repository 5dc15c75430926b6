// Who deleted, silenced, replayed, signed in: for administrators.

import { useState } from "preact/hooks";

import { dateTime } from "../format/instant";
import { whole } from "../format/number";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { sourcesText } from "../text";
import type { AuditEntry } from "./shapes";
import { useAudit } from "./use_sources";

const words = sourcesText.audit;

export function AuditView() {
  const [before, setBefore] = useState<number | null>(null);
  const [earlier, setEarlier] = useState<AuditEntry[]>([]);
  const { answer, problem } = useAudit(before);
  if (problem?.status === 404) return <Empty>{words.missing}</Empty>;
  if (problem?.status === 403) return <Empty>{words.forbidden}</Empty>;
  if (problem) return <ProblemBox problem={problem} />;
  if (!answer) return <Loading />;
  const isNew = ({ id }: AuditEntry) => earlier.every((entry) => entry.id !== id);
  const entries = [...earlier, ...answer.entries.filter(isNew)];
  if (entries.length === 0) return <Empty>{words.empty}</Empty>;
  const more = () => {
    setEarlier(entries);
    setBefore(answer.next);
  };
  return (
    <>
      <AuditTable entries={entries} />
      {answer.next !== null && <p><button type="button" class="button" onClick={more}>{words.more}</button></p>}
    </>
  );
}

function AuditTable({ entries }: { entries: AuditEntry[] }) {
  return (
    <div class="table-place" role="region" aria-label={sourcesText.tabs.audit} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.at}</th><th scope="col">{words.user}</th><th scope="col">{words.action}</th><th scope="col" class="wide-only">{words.target}</th>
            <th scope="col" class="wide-only">{words.outcome}</th><th scope="col" class="wide-only">{words.address}</th>
          </tr>
        </thead>
        <tbody>{entries.map((entry) => <Entry key={entry.id} entry={entry} />)}</tbody>
      </table>
    </div>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { zone } = useZone();
  return (
    <tr>
      <th scope="row" class="moment-cell">{dateTime(Date.parse(entry.at), zone)}</th>
      <td>{entry.user === null ? <span class="quiet">{words.nobody}</span> : <Foreign text={entry.user} max={100} />}</td>
      <td>{words.actions[entry.action] ?? entry.action}{entry.count > 1 && <span class="quiet"> {words.times(whole(entry.count))}</span>}</td>
      <td class="wide-only mono"><Foreign text={entry.target} max={300} /></td>
      <td class="wide-only">{entry.outcome === null ? <span class="quiet">{words.pending}</span> : <Foreign text={entry.outcome} max={200} />}</td>
      <td class="wide-only">{entry.address ?? "–"}</td>
    </tr>
  );
}
