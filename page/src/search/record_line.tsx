// The line that a record came from: as it was where it is kept, else put together, and always said which of the two.

import type { Hit } from "../api/records";
import { CopyButton } from "../parts/copy_button";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { recordJson } from "./record_json";

const SHOWN_MAX = 200_000;

export function RecordLine({ hit }: { hit: Hit }) {
  const raw = hit["_raw"];
  const isKept = typeof raw === "string";
  const text = isKept ? raw : rebuilt(hit);
  return (
    <>
      <p class={isKept ? "hint" : "warnings"}>
        {isKept ? searchText.rawKept : searchText.rawRebuilt}{" "}
        {hit["_origin"] !== undefined && (
          <Foreign text={searchText.rawOrigin(valueText(hit["_origin"]), valueText(hit["_line"] ?? "–"))} max={600} />
        )}
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
