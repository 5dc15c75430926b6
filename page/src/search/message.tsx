// A long text as people read it: its lines, with the frames of a stack trace folded.

import { useState } from "preact/hooks";

import { whole } from "../format/number";
import { Foreign } from "../parts/foreign";
import { searchText } from "../text";
import { FRAMES_SHOWN, type TraceBlock, blocksOf } from "./stack_trace";

/** A text of a megabyte would freeze the page; the rest comes on demand. */
const SHOWN_MAX = 8_000;

export function Message({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > SHOWN_MAX;
  const shown = isLong && !isWhole ? text.slice(0, SHOWN_MAX) : text;
  return (
    <div class="message">
      {blocksOf(shown).map((block, index) => (block.kind === "text"
        ? <pre key={index}><Foreign isBlock text={block.lines.join("\n")} max={Infinity} /></pre>
        : <Frames key={index} block={block} />))}
      {isLong && !isWhole && <button type="button" class="link-button" onClick={() => setWhole(true)}>{searchText.more(whole(text.length))}</button>}
    </div>
  );
}

function Frames({ block: { lines } }: { block: TraceBlock }) {
  const [isOpen, setOpen] = useState(false);
  const isFolded = lines.length > FRAMES_SHOWN + 1;
  const shown = isFolded && !isOpen ? lines.slice(0, FRAMES_SHOWN) : lines;
  return (
    <div class="frames">
      <pre><Foreign isBlock text={shown.join("\n")} max={Infinity} /></pre>
      {isFolded && (
        <button type="button" class="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? searchText.stackHide : searchText.stackShow(whole(lines.length - FRAMES_SHOWN))}
        </button>
      )}
    </div>
  );
}
