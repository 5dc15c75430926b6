// One reject: why, where, its line to mend, and its exact bytes.

import { useState } from "preact/hooks";

import { type ApiProblem, asProblem } from "../api/client";
import { dateTime } from "../format/instant";
import { bytes as bytesText } from "../format/number";
import { navigate } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { sourcesText } from "../text";
import { bytesOf, hexLines, isText } from "./hex_dump";
import { place } from "./reject_table";
import type { RejectDetail, ReplayResult } from "./shapes";
import { replay, useReject } from "./use_sources";

const words = sourcesText.rejects;

/** Bytes that are shown in hex; the rest is only said to be there. */
const HEX_BYTES_MAX = 4096;

interface RejectPanelProps {
  id: number;
  mayReplay: boolean;
  replayed: (result: ReplayResult) => void;
}

export function RejectPanel({ id, mayReplay, replayed }: RejectPanelProps) {
  const { answer, problem } = useReject(id);
  const close = () => navigate({ reject: undefined }, { replace: true });
  const done = (result: ReplayResult) => {
    replayed(result);
    if (result.still_rejected === 0) close();
  };
  return (
    <section class="reject-panel panel" aria-label={words.one(String(id))}>
      {problem && (problem.status === 404 ? <Empty>{words.gone}</Empty> : <ProblemBox problem={problem} />)}
      {!answer && !problem && <Loading />}
      {answer && <Reject reject={answer} mayReplay={mayReplay} done={done} />}
      <button type="button" class="button quiet reject-close" onClick={close}>{words.close}</button>
    </section>
  );
}

function Reject({ reject, mayReplay, done }: { reject: RejectDetail; mayReplay: boolean; done: (result: ReplayResult) => void }) {
  const { zone } = useZone();
  const bytes = bytesOf(reject.base64);
  return (
    <>
      <h2>{reject.reason}</h2>
      <p class="hint"><Foreign text={reject.origin} /> · {place(reject)} · {dateTime(Date.parse(reject.received_at), zone)}</p>
      {reject.is_cut && <p class="problem-text">{words.cut}</p>}
      {mayReplay && <Edit reject={reject} isEditable={isText(bytes) && reject.line > 0} done={done} />}
      <h3>{words.raw} <span class="hint">{bytes.length > HEX_BYTES_MAX ? words.rawCut(bytesText(HEX_BYTES_MAX), bytesText(bytes.length)) : words.rawHint}</span></h3>
      <HexDump bytes={bytes} />
    </>
  );
}

function Edit({ reject, isEditable, done }: { reject: RejectDetail; isEditable: boolean; done: (result: ReplayResult) => void }) {
  const [text, setText] = useState(reject.text);
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState("");
  const isEdited = isEditable && text !== reject.text;
  const submit = (event: Event) => {
    event.preventDefault();
    setRunning(true);
    const choice = isEdited ? { ids: [reject.id], text } : { ids: [reject.id] };
    replay(choice)
      .then((result) => {
        setFailure(result.problems[0]?.error ?? "");
        done(result);
      }, (error: unknown) => setFailure(said(asProblem(error))))
      .finally(() => setRunning(false));
  };
  return (
    <form class="reject-edit" onSubmit={submit}>
      {isEditable
        ? <label>{words.edit}<textarea class="mono" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
        : <p class="hint">{words.notText}</p>}
      <div class="row-actions">
        <button type="submit" class="button primary" disabled={isRunning}>{isEdited ? words.replayEdited : words.replayOne}</button>
        <span class="problem-text" role="alert"><Foreign text={failure} /></span>
      </div>
    </form>
  );
}

function said(problem: ApiProblem): string {
  return problem.hint ? `${problem.error}; ${problem.hint}` : problem.error;
}

function HexDump({ bytes }: { bytes: Uint8Array }) {
  return (
    <pre class="hex-dump" role="region" tabIndex={0} aria-label={words.raw}>
      {hexLines(bytes, HEX_BYTES_MAX).map(({ offset, hex, text }) => `${offset}  ${hex.padEnd(47)}  ${text}\n`).join("")}
    </pre>
  );
}
