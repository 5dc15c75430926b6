// A route over time: its percentiles, and its statuses. Each point opens its records, by a click or from the table below.

import { latency } from "../format/duration";
import { dateMinute, rfc3339 } from "../format/instant";
import { compact, whole } from "../format/number";
import { addressOf, goTo } from "../frame/location";
import { setTimeRangeMs } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { TimeChart, type TimeChartProps } from "../charts/time_chart";
import type { SlaStatus } from "../objectives/shapes";
import { ProblemBox } from "../parts/states";
import { routeText, tableText } from "../text";
import { intervalStarts } from "./heat_bins";
import { both } from "./route_query";
import { classQuery, stackedClasses } from "./statuses";
import { thresholdOf } from "./threshold";
import { type Interval, type StatusRow, type TimeRow, usePercentiles, useStatuses } from "./use_route";
import { type MinuteSpan, minuteInterval } from "./whole_minutes";

const words = routeText;
const POINTS = 90;
const CHART_HEIGHT = 170;

interface ChartsProps {
  span: MinuteSpan;
  records: string;
  completeToMs: number | null;
  promise: SlaStatus | null;
}

export function RouteCharts({ span, records, completeToMs, promise }: ChartsProps) {
  const interval = minuteInterval(span, POINTS);
  const times = intervalStarts(span.fromMs, span.toMs, interval.ms);
  const percentiles = usePercentiles(span, records, interval);
  const statuses = useStatuses(span, records, interval);
  const shared = { span, records, times, interval, completeToMs };
  return (
    <div class="two-columns">
      <section class="view-section">
        <div class="section-head">
          <h2>{words.percentiles}</h2>
          <p class="hint">{words.percentilesHint}</p>
        </div>
        {percentiles.problem && <ProblemBox problem={percentiles.problem} />}
        {percentiles.answer && <Percentiles {...shared} rows={percentiles.answer.rows} threshold={thresholdOf(promise)} />}
      </section>
      <section class="view-section">
        <div class="section-head">
          <h2>{words.statuses}</h2>
          <p class="hint">{words.statusesHint}</p>
        </div>
        {statuses.problem && <ProblemBox problem={statuses.problem} />}
        {statuses.answer && <Statuses {...shared} rows={statuses.answer.rows} />}
      </section>
    </div>
  );
}

interface ChartProps {
  span: MinuteSpan;
  records: string;
  times: number[];
  interval: Interval;
  completeToMs: number | null;
}

/** The address of the records of an interval. */
function recordsAt(query: string, fromMs: number, toMs: number): string {
  return addressOf("search", { query, from: rfc3339(fromMs), to: rfc3339(toMs) });
}

/** What both charts are of: the same span in the same steps, so that the same moment is looked at in both. */
function RouteChart({ span, times, interval, completeToMs, ...own }: ChartProps & Required<Pick<TimeChartProps, "kind" | "label" | "series" | "format" | "onPick">>) {
  const { zone } = useZone();
  return (
    <TimeChart
      kind={own.kind}
      label={own.label}
      series={own.series}
      format={own.format}
      onPick={own.onPick}
      times={times}
      height={CHART_HEIGHT}
      fromMs={span.fromMs}
      toMs={span.toMs}
      zone={zone}
      stepMs={interval.ms}
      completeToMs={completeToMs}
      syncKey="route"
      onBrush={setTimeRangeMs}
    />
  );
}

function Percentiles({ rows, threshold, ...shared }: ChartProps & { rows: TimeRow[]; threshold: number | null }) {
  const { records, times, interval } = shared;
  const { zone } = useZone();
  const byTime = new Map(rows.map((row) => [Date.parse(row["@timestamp"]), row]));
  const values = (name: "p50" | "p95" | "p99") => times.map((time) => byTime.get(time)?.[name] ?? null);
  const lines = (["p99", "p95", "p50"] as const).map((name, index) => ({
    name,
    colour: ["series-2", "series-1", "series-6"][index] ?? "ink",
    values: values(name),
  }));
  const promised = threshold === null ? [] : [{ name: words.promised, colour: "warn", isDashed: true, values: times.map(() => threshold) }];
  return (
    <>
      <RouteChart
        {...shared}
        kind="lines"
        label={words.percentiles}
        series={[...lines, ...promised]}
        format={latency}
        onPick={(from, to) => goTo(recordsAt(records, from, to))}
      />
      <details class="chart-table">
        <summary>{tableText.asTable}</summary>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{words.time}</th>
              <th scope="col" class="number">
                {words.count}
              </th>
              {lines.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row["@timestamp"]}>
                <th scope="row">
                  <a href={recordsAt(records, Date.parse(row["@timestamp"]), Date.parse(row["@timestamp"]) + interval.ms)}>
                    {dateMinute(Date.parse(row["@timestamp"]), zone)}
                  </a>
                </th>
                <td class="number">{whole(row.n)}</td>
                {lines.map(({ name }) => (
                  <td key={name} class="number">
                    {latency(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Statuses({ rows, ...shared }: ChartProps & { rows: StatusRow[] }) {
  const { records, times, interval } = shared;
  const { zone } = useZone();
  const classes = stackedClasses(rows, times);
  const queryOf = (name: string) => both(records, classQuery(name));
  return (
    <>
      <RouteChart
        {...shared}
        kind="bars"
        label={words.statuses}
        series={classes}
        format={compact}
        onPick={(from, to, name) => goTo(recordsAt(name ? queryOf(name) : records, from, to))}
      />
      <details class="chart-table">
        <summary>{tableText.asTable}</summary>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{words.time}</th>
              {classes.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((time, index) => (
              <tr key={time}>
                <th scope="row">{dateMinute(time, zone)}</th>
                {classes.map(({ name, values }) => (
                  <td key={name} class="number">
                    {values[index] ? <a href={recordsAt(queryOf(name), time, time + interval.ms)}>{whole(values[index] ?? 0)}</a> : "0"}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
