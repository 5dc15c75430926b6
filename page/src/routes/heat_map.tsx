// The latency map: time to the right, duration upwards, darkness for how many. A mean hides two populations; this
// shows them. Each cell is a link to its records; arrow keys move from cell to cell, so that the map is one stop of Tab.

import { useRef, useState } from "preact/hooks";

import { latency } from "../format/duration";
import { clockTime, dateMinute, rfc3339 } from "../format/instant";
import { whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Loading, ProblemBox } from "../parts/states";
import { routeText } from "../text";
import { type LatencyBin, SHADES, binRange, binsUpTo, intervalStarts, shadeOf } from "./heat_bins";
import { both } from "./route_query";
import { type HeatRow, useHeatMap } from "./use_route";
import { type MinuteSpan, minuteInterval } from "./whole_minutes";

const words = routeText;
const COLUMNS = 60;

export function HeatMap({ span, records, longest }: { span: MinuteSpan; records: string; longest: number | null }) {
  const interval = minuteInterval(span, COLUMNS);
  const bins = longest === null ? null : binsUpTo(longest);
  const { answer, problem, isLoading } = useHeatMap(span, records, interval, bins);
  return (
    <section class="view-section">
      <div class="section-head"><h2>{words.heat}</h2><p class="hint">{bins === null ? words.heatEmpty : words.heatHint}</p></div>
      {problem && <ProblemBox problem={problem} />}
      {isLoading && !answer && <Loading />}
      {answer && bins && answer.length === bins.length && (
        <Grid bins={bins} rows={answer} times={intervalStarts(span.fromMs, span.toMs, interval.ms)} stepMs={interval.ms} records={records} />
      )}
    </section>
  );
}

interface GridProps {
  bins: LatencyBin[];
  rows: HeatRow[];
  times: number[];
  stepMs: number;
  records: string;
}

const STEPS: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };

function Grid({ bins, rows, times, stepMs, records }: GridProps) {
  const [current, setCurrent] = useState<[number, number]>([0, 0]);
  const table = useRef<HTMLTableElement>(null);
  const { zone } = useZone();
  const most = Math.max(0, ...rows.flatMap((row) => [...row.values()]));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const next: [number, number] = [within(current[0] + step[0], bins.length), within(current[1] + step[1], times.length)];
    setCurrent(next);
    table.current?.querySelector<HTMLElement>(`[data-cell="${next.join()}"]`)?.focus();
  };
  const indices = bins.map((_, index) => index).reverse();
  return (
    <div class="heat">
      <table ref={table} role="grid" aria-label={words.heat} onKeyDown={onKeyDown}>
        <colgroup><col class="heat-name" /><col span={times.length} /></colgroup>
        <TimeHead times={times} zone={zone} />
        <tbody>
          {indices.map((index) => (
            <HeatRowCells
              key={index} bin={bins[index] as LatencyBin} row={rows[index] as HeatRow} index={index} times={times} stepMs={stepMs} most={most}
              records={records} current={current} zone={zone}
            />
          ))}
        </tbody>
      </table>
      <p class="heat-legend" aria-hidden="true">
        {Array.from({ length: SHADES }, (_, shade) => <i key={shade} class={`shade-${shade + 1}`} />)}
        <span>{words.heatLegend}</span>
      </p>
    </div>
  );
}

function within(place: number, length: number): number {
  return Math.max(0, Math.min(length - 1, place));
}

/** A time over every so many columns. */
function TimeHead({ times, zone }: { times: number[]; zone: string }) {
  const every = Math.max(1, Math.round(times.length / 6));
  const starts = times.filter((_, index) => index % every === 0);
  return (
    <thead>
      <tr>
        <td class="heat-corner" />
        {starts.map((time, index) => (
          <th key={time} scope="colgroup" colSpan={Math.min(every, times.length - index * every)}>{clockTime(time, zone).slice(0, 5)}</th>
        ))}
      </tr>
    </thead>
  );
}

interface HeatRowProps {
  bin: LatencyBin;
  row: HeatRow;
  index: number;
  times: number[];
  stepMs: number;
  most: number;
  records: string;
  current: [number, number];
  zone: string;
}

function HeatRowCells({ bin, row, index, times, stepMs, most, records, current, zone }: HeatRowProps) {
  const duration = words.heatRow(latency(bin.low), bin.high === null ? null : latency(bin.high));
  const query = both(records, binRange(bin));
  return (
    <tr>
      <th scope="row"><span class="wide-only">{duration}</span><span class="narrow-only" aria-hidden="true">{words.heatRow(latency(bin.low), null)}</span></th>
      {times.map((time, place) => {
        const count = row.get(time) ?? 0;
        const title = words.heatCell(whole(count), duration, dateMinute(time, zone));
        return (
          <td key={time}>
            <a
              class={`shade-${shadeOf(count, most)}`} data-cell={`${index},${place}`} tabIndex={current[0] === index && current[1] === place ? 0 : -1}
              href={addressOf("search", { query, from: rfc3339(time), to: rfc3339(time + stepMs) })} title={title} aria-label={title}
            />
          </td>
        );
      })}
    </tr>
  );
}
