// The line that a record came from: as it was where it is kept, else read again from where it came, else put together
// from its fields, and always said which of the three.

import { type Hit, idOf, originalLine } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { CopyButton } from "../parts/copy_button";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { recordJson } from "./record_json";

const SHOWN_MAX = 200_000;

export function RecordLine({ hit }: { hit: Hit }) {
  const kept = hit["_raw"];
  if (typeof kept === "string") return <Line text={kept} note={searchText.rawKept} hit={hit} />;
  return <UnkeptLine hit={hit} />;
}

function UnkeptLine({ hit }: { hit: Hit }) {
  const id = idOf(hit);
  const { answer, problem, isLoading } = useAnswer(id, (signal) => originalLine(id, signal));
  if (isLoading) return <p class="hint" role="status">{searchText.rawReading}</p>;
  if (typeof answer?.line === "string") {
    return <Line text={answer.line} note={searchText.rawReadAgain(valueText(answer.origin))} hit={hit} />;
  }
  const reason = problem?.error ?? answer?.why_not ?? undefined;
  return <Line text={rebuilt(hit)} note={searchText.rawRebuilt} reason={reason} isRebuilt hit={hit} />;
}

function Line({ text, note, reason, isRebuilt, hit }: { text: string; note: string; reason?: string | undefined; isRebuilt?: boolean; hit: Hit }) {
  const origin = searchText.rawOrigin(valueText(hit["_origin"]), valueText(hit["_line"] ?? "–"));
  return (
    <>
      <p class={isRebuilt ? "warnings" : "hint"}>
        <Foreign text={note} max={600} />{" "}
        {reason !== undefined && <><Foreign text={searchText.rawWhyNot(reason)} max={600} />{" "}</>}
        {hit["_origin"] !== undefined && <Foreign text={origin} max={600} />}
      </p>
      <CopyButton text={() => text} label={searchText.copyValue} />
      <pre class="json"><Foreign isBlock text={text} max={SHOWN_MAX} /></pre>
    </>
  );
}

function rebuilt(hit: Hit): string {
  const own = Object.entries(hit).filter(([name]) => !["_id", "_origin", "_line", "_raw"].includes(name));
  return recordJson(Object.fromEntries(own)).replace(/\n\s*/g, " ");
}
