// The time range in the header: what it is, back and forth, presets, and any two times typed.

import { useState } from "preact/hooks";

import { dateTime } from "../format/instant";
import { resolveTime } from "../format/time_expression";
import { frameText } from "../text";
import { Popover } from "./popover";
import { rangeLength, rangeTitle, refresh, setTimeRange, useShift, useTimeRange } from "./time_range";
import { useZone } from "./zone";

const words = frameText.range;

const PRESETS: [string, string][] = [
  ["now-5m", "5 m"], ["now-15m", "15 m"], ["now-30m", "30 m"], ["now-1h", "1 h"], ["now-3h", "3 h"], ["now-6h", "6 h"],
  ["now-12h", "12 h"], ["now-24h", "24 h"], ["now-2d", "2 d"], ["now-7d", "7 d"], ["now-14d", "14 d"], ["now-30d", "30 d"],
];

export function TimeRangeControl() {
  const range = useTimeRange();
  const { zone } = useZone();
  const shift = useShift();
  const label = (
    <>
      <span class="only-read-aloud">{words.button}: </span>
      <span class="range-title">{rangeTitle(range, zone)}</span>
      <span class="range-length">{rangeLength(range)}</span>
    </>
  );
  return (
    <div class="range" role="group" aria-label={words.button}>
      <button type="button" class="button icon" title={`${words.earlier}  [`} aria-label={words.earlier} onClick={shift.earlier}>‹</button>
      <Popover label={label} title={`${words.button}: ${rangeTitle(range, zone)}`} buttonClass="button range-button" align="right">
        {(close) => <RangePanel close={close} />}
      </Popover>
      <button type="button" class="button icon" title={`${words.later}  ]`} aria-label={words.later} onClick={shift.later}>›</button>
      <button type="button" class="button icon range-widen" title={words.widen} aria-label={words.widen} onClick={shift.widen}>⤢</button>
      <button type="button" class="button icon" title={`${words.refresh}  r`} aria-label={words.refresh} onClick={refresh}>↻</button>
    </div>
  );
}

function RangePanel({ close }: { close: () => void }) {
  const range = useTimeRange();
  const choose = (from: string, to: string) => {
    setTimeRange(from, to);
    close();
  };
  return (
    <div class="range-panel">
      <div class="range-presets" role="group" aria-label={words.presets}>
        {PRESETS.map(([from, text]) => (
          <button
            key={from} type="button" class="button" aria-pressed={range.from === from && range.to === "now"}
            data-first-focus={from === "now-1h" ? true : undefined} onClick={() => choose(from, "now")}
          >
            {text}
          </button>
        ))}
        <button type="button" class="button wide" onClick={() => choose("now/d", "now")}>{words.today}</button>
        <button type="button" class="button wide" onClick={() => choose("now-1d/d", "now/d")}>{words.yesterday}</button>
      </div>
      <RangeForm choose={choose} />
    </div>
  );
}

function RangeForm({ choose }: { choose: (from: string, to: string) => void }) {
  const range = useTimeRange();
  const { zone } = useZone();
  const [from, setFrom] = useState(typed(range.from, range.fromMs, zone));
  const [to, setTo] = useState(typed(range.to, range.toMs, zone));
  const fromMs = resolveTime(from, Date.now(), zone);
  const toMs = resolveTime(to, Date.now(), zone);
  const problem = fromMs === null || toMs === null ? words.invalid : fromMs >= toMs ? words.reversed : "";
  const submit = (event: Event) => {
    event.preventDefault();
    if (!problem && fromMs !== null && toMs !== null) choose(absolute(from, fromMs), absolute(to, toMs));
  };
  return (
    <form class="range-form" onSubmit={submit}>
      <label>
        {words.from}
        <input value={from} spellcheck={false} aria-invalid={fromMs === null} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        {words.to}
        <input value={to} spellcheck={false} aria-invalid={toMs === null} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <p class="hint">{words.hint} · {zone}</p>
      <div class="range-end">
        <span class="problem-text" role="alert">{problem}</span>
        <button type="submit" class="button primary" disabled={problem !== ""}>{words.apply}</button>
      </div>
    </form>
  );
}

/** What stands in the field: relative times as they are, moments in the zone. */
function typed(text: string, ms: number, zone: string): string {
  return text.startsWith("now") ? text : dateTime(ms, zone);
}

/** What stands in the address: relative times as they are, moments in UTC, so that a shared address means the same. */
function absolute(text: string, ms: number): string {
  return text.trim().startsWith("now") ? text.trim() : new Date(ms).toISOString().replace(".000Z", "Z");
}
