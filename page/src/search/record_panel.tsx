// One record, whole: its fields, its JSON, its line, what happened around it.

import { useState } from "preact/hooks";

import { type Hit, context, idOf, timeOf } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { dateTimeMillis, offsetText } from "../format/instant";
import { addressOf, currentLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { CopyButton } from "../parts/copy_button";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { Message } from "./message";
import { RecordFields } from "./record_fields";
import { recordJson } from "./record_json";
import { RecordLine } from "./record_line";
import { Surroundings } from "./surroundings";

export interface RecordPanelProps {
  id: string;
  close: () => void;
  /** Opens another record. */
  show: (id: string) => void;
  step?: ((by: 1 | -1) => void) | undefined;
  columns?: string[];
  toggleColumn?: ((name: string) => void) | undefined;
}

const TABS = ["fields", "json", "raw", "around"] as const;
type Tab = (typeof TABS)[number];
const TAB_NAMES: Record<Tab, string> = { fields: searchText.tabFields, json: searchText.tabJson, raw: searchText.tabRaw, around: searchText.tabAround };

export function RecordPanel({ id, close, show, step, columns = [], toggleColumn }: RecordPanelProps) {
  const [tab, setTab] = useState<Tab>("fields");
  const { zone } = useZone();
  const { answer, problem } = useAnswer(id, (signal) => context({ id, before: 0, after: 0 }, signal));
  const hit = answer?.hits[answer.position];
  const isCurrent = hit !== undefined && idOf(hit) === id;
  return (
    <aside class="record-panel" aria-label={searchText.open}>
      <header>
        <div class="record-title">
          {hit && <time>{dateTimeMillis(timeOf(hit), zone)} {offsetText(timeOf(hit), zone)}</time>}
          {hit && <Foreign text={valueText(hit["source"])} max={60} class="muted" />}
        </div>
        {step && <button type="button" class="button icon quiet" title={`${searchText.previous}  k`} aria-label={searchText.previous} onClick={() => step(-1)}>↑</button>}
        {step && <button type="button" class="button icon quiet" title={`${searchText.next}  j`} aria-label={searchText.next} onClick={() => step(1)}>↓</button>}
        <button type="button" class="button icon quiet" title={`${searchText.close}  Esc`} aria-label={searchText.close} onClick={close}>×</button>
      </header>
      {problem && <p class="problem" role="alert">{problem.status === 404 ? searchText.recordGone : problem.error}</p>}
      {hit && (
        <div class={`record-body ${isCurrent ? "" : "is-stale"}`}>
          <RecordLinks hit={hit} />
          <Headline hit={hit} />
          <div class="tabs" role="tablist" aria-label={searchText.record}>
            {TABS.map((name) => (
              <button
                key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="record-tab"
                onClick={() => setTab(name)}
              >
                {TAB_NAMES[name]}
              </button>
            ))}
          </div>
          <div id="record-tab" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
            {tab === "fields" && <RecordFields hit={hit} columns={columns} toggleColumn={toggleColumn} />}
            {tab === "json" && <RecordJson hit={hit} />}
            {tab === "raw" && <RecordLine hit={hit} />}
            {tab === "around" && <Surroundings hit={hit} show={show} />}
          </div>
        </div>
      )}
    </aside>
  );
}

/** The texts that people wrote stand above the fields, as they were meant to be read. */
function Headline({ hit }: { hit: Hit }) {
  const message = hit["message"];
  return typeof message === "string" && message !== "" ? <Message key={idOf(hit)} text={message} /> : null;
}

function RecordLinks({ hit }: { hit: Hit }) {
  const link = storyAddress(hit);
  const isInStory = currentLocation().view === "story";
  return link && !isInStory ? <p class="record-links"><a class="button" href={link}>{searchText.story} →</a></p> : null;
}

export function storyAddress(hit: Hit): string | undefined {
  const ids = ["request_id", "trace_id"].filter((name) => typeof hit[name] === "string" && hit[name] !== "");
  const name = ids[0];
  return name ? addressOf("story", { [name]: String(hit[name]) }) : undefined;
}

const JSON_MAX = 200_000;

function RecordJson({ hit }: { hit: Hit }) {
  const text = recordJson(hit);
  return (
    <>
      <CopyButton text={() => text} label={searchText.copyJson} />
      <pre class="json"><Foreign isBlock text={text} max={JSON_MAX} /></pre>
    </>
  );
}
