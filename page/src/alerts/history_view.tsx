// The history of alerts as a time line: one lane for each alert, bars for when it was pending and when it fired.

import { span } from "../format/duration";
import { dateMinute } from "../format/instant";
import { whole } from "../format/number";
import { useTimeRange } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { Empty } from "../parts/states";
import { alertsText } from "../text";
import { alertAddress } from "./alert_address";
import { ChangeTable } from "./change_table";
import { AlertName, LabelList } from "./label_list";
import { type Change, type Lane, type Stretch, firedFor, labelKey, lanesOf, placeOf } from "./time_line";
import type { KnownAlert } from "./use_alerts";

const words = alertsText;
const TICKS = 5;
const DAY_MS = 86_400_000;

export function HistoryView({ history, known }: { history: Change[]; known: KnownAlert[] }) {
  const { fromMs, toMs } = useTimeRange();
  if (history.length === 0) return <Empty>{words.historyEmpty}</Empty>;
  const lanes = lanesOf(history, Date.now()).filter((lane) => lane.stretches.some((stretch) => placeOf(stretch, fromMs, toMs)));
  const changes = history.filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) < toMs);
  return (
    <>
      <section class="view-section">
        <div class="section-head"><h2>{words.history}</h2><p class="hint">{words.historyHint}</p></div>
        {lanes.length === 0 ? <Empty>{words.historyEmptySpan}</Empty> : <TimeLine lanes={lanes} known={known} fromMs={fromMs} toMs={toMs} />}
      </section>
      {changes.length > 0 && <section class="view-section"><h2>{words.changes}</h2><ChangeTable changes={changes} hasNames /></section>}
    </>
  );
}

interface TimeLineProps {
  lanes: Lane[];
  known: KnownAlert[];
  fromMs: number;
  toMs: number;
}

function TimeLine({ lanes, known, fromMs, toMs }: TimeLineProps) {
  const { zone } = useZone();
  const numbers = new Map(known.map((alert) => [labelKey(alert.labels), alert.number]));
  const isWithinDay = toMs - fromMs <= DAY_MS;
  const tickText = (tick: number) => dateMinute(tick, zone).slice(isWithinDay ? 11 : 5);
  const ticks = Array.from({ length: TICKS }, (_, index) => fromMs + ((toMs - fromMs) * index) / TICKS);
  return (
    <div class="table-place" role="region" aria-label={words.history} tabIndex={0}>
      <table class="data time-line">
        <thead>
          <tr>
            <th scope="col">{words.what}</th><th scope="col" class="number wide-only">{words.firedFor}</th>
            <th scope="col" class="lane-head"><span class="ticks">{ticks.map((tick) => <span key={tick}>{tickText(tick)}</span>)}</span></th>
          </tr>
        </thead>
        <tbody>
          {lanes.map((lane) => <LaneRow key={lane.key} lane={lane} number={lane.fingerprint ?? numbers.get(lane.key) ?? null} fromMs={fromMs} toMs={toMs} />)}
        </tbody>
      </table>
    </div>
  );
}

function LaneRow({ lane, number, fromMs, toMs }: { lane: Lane; number: string | null; fromMs: number; toMs: number }) {
  const fired = firedFor(lane, fromMs, toMs);
  return (
    <tr>
      <th scope="row" class="lane-name"><a href={alertAddress(lane.labels, number)}><AlertName labels={lane.labels} /></a><LabelList labels={lane.labels} /></th>
      <td class="number top wide-only">{fired > 0 ? span(fired) : "–"}</td>
      <td class="lane">
        <div class="lane-line">{lane.stretches.map((stretch) => <Bar key={stretch.from} stretch={stretch} fromMs={fromMs} toMs={toMs} />)}</div>
      </td>
    </tr>
  );
}

function Bar({ stretch, fromMs, toMs }: { stretch: Stretch; fromMs: number; toMs: number }) {
  const { zone } = useZone();
  const place = placeOf(stretch, fromMs, toMs);
  if (!place) return null;
  const { state, from, to, isOpen, bad, total } = stretch;
  const when = words.stretch(words.state[state] ?? state, dateMinute(from, zone), isOpen ? words.ongoing : dateMinute(to, zone), span(to - from));
  const text = total > 0 ? `${when}, ${words.ofTotal(whole(bad), whole(total))}` : when;
  return (
    <span
      class={`stretch stretch-${state} ${isOpen ? "is-open" : ""}`} style={{ left: `${100 * place.start}%`, width: `max(3px, ${100 * place.length}%)` }}
      role="img" aria-label={text} title={text}
    />
  );
}
