// What happened around a record: the records before and behind it, on the same machine or of the same request.

import { useState } from "preact/hooks";

import { type Hit, context, idOf, timeOf } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { dateTimeMillis } from "../format/instant";
import { useZone } from "../frame/zone";
import { Warnings } from "../parts/states";
import { searchText } from "../text";
import { RecordCell } from "./cells";
import { rowOf } from "./row_store";

const STEP = 10;
const RECORDS_MAX = 1_000;

export function Surroundings({ hit, show }: { hit: Hit; show: (id: string) => void }) {
  const id = idOf(hit);
  const { zone } = useZone();
  const [same, setSame] = useState("source,node");
  const [before, setBefore] = useState(STEP);
  const [after, setAfter] = useState(STEP);
  const { answer, problem } = useAnswer(`${id} ${same} ${before} ${after}`, (signal) => context({ id, before, after, same }, signal));
  const choices: [string, string][] = [
    ["source,node", searchText.aroundSourceNode], ["source", searchText.aroundSource],
    ...(hit["request_id"] !== undefined ? [["request_id", searchText.aroundRequest] as [string, string]] : []), ["", searchText.aroundAll],
  ];
  return (
    <>
      <label class="around-same">
        {searchText.aroundSame}
        <select value={same} onChange={(event) => setSame(event.currentTarget.value)}>
          {choices.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      </label>
      {problem && <p class="problem-text" role="alert">{problem.error}</p>}
      <Warnings warnings={answer?.warnings} />
      {before < RECORDS_MAX && <button type="button" class="link-button" onClick={() => setBefore(Math.min(RECORDS_MAX, before * 4))}>{searchText.aroundBefore}</button>}
      <ol class="around">
        {answer?.hits.map((other) => {
          const row = rowOf(other);
          const isThis = row.id === id;
          return (
            <li key={row.id} class={isThis ? "is-this" : ""}>
              <button type="button" aria-current={isThis ? "true" : undefined} title={isThis ? searchText.aroundThis : searchText.open} onClick={() => show(row.id)}>
                <time>{dateTimeMillis(timeOf(other), zone).slice(11)}</time>
                <RecordCell row={row} />
              </button>
            </li>
          );
        })}
      </ol>
      {after < RECORDS_MAX && <button type="button" class="link-button" onClick={() => setAfter(Math.min(RECORDS_MAX, after * 4))}>{searchText.aroundAfter}</button>}
    </>
  );
}
