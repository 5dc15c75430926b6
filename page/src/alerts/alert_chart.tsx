// The bad records of an alert over time, from well before it began: whether it came slowly or at once, and whether it
// is over. The span that was counted is what the link above opens.

import { TimeChart } from "../charts/time_chart";
import { rfc3339 } from "../format/instant";
import { addressOf, goTo } from "../frame/location";
import { chartInterval } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { postJson } from "../api/client";
import { useAnswer } from "../api/use_answer";
import { intervalStarts } from "../routes/heat_bins";
import type { AggregateAnswer } from "../routes/shapes";
import { alertsText } from "../text";
import type { AlertRow } from "./shapes";

const words = alertsText.one;
const MINUTE_MS = 60_000;
const BEFORE_MS = 60 * MINUTE_MS;
const POINTS = 90;
const HEIGHT = 120;
const ROWS_MAX = 5_000;

interface CountRow {
  "@timestamp": string;
  n: number;
}

export function AlertChart({ alert }: { alert: AlertRow }) {
  const { zone } = useZone();
  const { query, from, to } = alert;
  const fromMs = floorMinute(Math.min(Date.parse(from ?? ""), Date.parse(alert.active_at)) - BEFORE_MS);
  const toMs = floorMinute(Date.now()) + MINUTE_MS;
  const interval = chartInterval({ fromMs, toMs }, POINTS);
  const key = query && to && Number.isFinite(fromMs) ? `bad of ${query} ${fromMs} ${toMs}` : null;
  const { answer } = useAnswer(key, (signal) => postJson<AggregateAnswer<CountRow>>("api/aggregate", {
    query, from: rfc3339(fromMs), to: rfc3339(toMs), limit: ROWS_MAX,
    group_by: [{ field: "@timestamp", interval: interval.text }], metrics: { n: { count: {} } },
  }, signal));
  if (!answer || !query) return null;
  const times = intervalStarts(fromMs, toMs, interval.ms);
  const counts = new Map(answer.rows.map((row) => [Date.parse(row["@timestamp"]), row.n]));
  return (
    <section class="view-section">
      <div class="section-head"><h2>{words.chart}</h2><p class="hint">{words.chartHint}</p></div>
      <TimeChart
        kind="bars" label={words.chart} times={times} height={HEIGHT} fromMs={fromMs} toMs={toMs} zone={zone} stepMs={interval.ms}
        series={[{ name: words.chart, colour: "status-5", values: times.map((time) => counts.get(time) ?? 0) }]}
        completeToMs={answer.complete_to === null ? null : Date.parse(answer.complete_to)}
        onPick={(start, end) => goTo(addressOf("search", { query, from: rfc3339(start), to: rfc3339(end) }))}
      />
    </section>
  );
}

function floorMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
