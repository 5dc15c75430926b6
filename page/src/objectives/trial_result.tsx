// What became of the promise and what would have become of the other one, side by side; said plainly where history
// has gaps.

import { TimeChart } from "../charts/time_chart";
import { span } from "../format/duration";
import { dateMinute } from "../format/instant";
import { percent, significant, whole } from "../format/number";
import { useZone } from "../frame/zone";
import { Badge } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { Warnings } from "../parts/states";
import { objectivesText, tableText } from "../text";
import { type BacktestAnswer, type BacktestRow, type Comparison, gapsOf } from "./backtest";

const words = objectivesText.trial;
const MINUTE_MS = 60_000;
const FIRINGS_SHOWN = 20;
const CHART_HEIGHT = 130;

export function TrialResult({ comparison: { asPromised, tried }, name, isOfMany }: { comparison: Comparison; name: string; isOfMany: boolean }) {
  const rowOf = (answer: BacktestAnswer) => answer.rows.find((row) => row.kind === "sla" && row.name === name);
  const [was, would] = [rowOf(asPromised), rowOf(tried)];
  return (
    <>
      <Warnings warnings={[...new Set([...asPromised.warnings, ...tried.warnings])]} />
      <Gaps row={would} />
      <table class="data trial-table">
        <thead>
          <tr>
            <th scope="col">
              <span class="only-read-aloud">{words.verdict}</span>
            </th>
            <th scope="col">{words.verdict}</th>
            <th scope="col" class="number">
              {words.share}
            </th>
            <th scope="col" class="number wide-only">
              {words.counts}
            </th>
            <th scope="col" class="number">
              {words.alerts}
            </th>
            <th scope="col" class="number">
              {words.firedFor}
            </th>
            <th scope="col" class="number">
              {words.mails}
            </th>
          </tr>
        </thead>
        <tbody>
          <Verdict title={words.asPromised} row={was} answer={asPromised} />
          <Verdict title={words.wouldBe} row={would} answer={tried} />
        </tbody>
      </table>
      {isOfMany && <p class="hint">{words.allInstances}</p>}
      <History was={was} would={would} answer={tried} />
      <Firings answer={tried} />
    </>
  );
}

/** What the server does not know, in words: a verdict on half of the span must not look like one on all of it. */
function Gaps({ row }: { row: BacktestRow | undefined }) {
  const { zone } = useZone();
  const text = ({ from, to }: { from: string; to: string }) => `${dateMinute(Date.parse(from), zone)} – ${dateMinute(Date.parse(to), zone)}`;
  const lines = [
    ...gapsOf(row, "none").map((part) => words.nothingKnown(text(part))),
    ...gapsOf(row, "records").map((part) => words.fromRecords(text(part))),
  ];
  if (row === undefined) return <p class="warnings">{words.noData}</p>;
  return <Warnings warnings={lines} />;
}

function Verdict({ title, row, answer }: { title: string; row: BacktestRow | undefined; answer: BacktestAnswer }) {
  const left = row?.budget?.left_share ?? null;
  return (
    <tr>
      <th scope="row">
        {title}
        {row?.objective ? <small class="hint cell-more">{`${row.objective} %`}</small> : null}
      </th>
      <td>
        {left === null ? (
          <Badge tone="unknown" text={words.unknown} />
        ) : (
          <Badge tone={left < 0 ? "bad" : "good"} text={left < 0 ? words.broken : words.kept} />
        )}
      </td>
      <td class="number">{percent(row?.good_share)}</td>
      <td class="number wide-only">{row ? objectivesText.counts(whole(row.good), whole(row.good + row.bad)) : "–"}</td>
      <td class="number">{whole(answer.firings_total)}</td>
      <td class="number">{answer.firing_minutes > 0 ? span(answer.firing_minutes * MINUTE_MS) : "–"}</td>
      <td class="number">{whole(answer.mails.total)}</td>
    </tr>
  );
}

/** The share of bad requests step by step, under both promises. */
function History({ was, would, answer }: { was: BacktestRow | undefined; would: BacktestRow | undefined; answer: BacktestAnswer }) {
  const { zone } = useZone();
  const row = would ?? was;
  if (!row || row.steps.length === 0) return null;
  const times = [...new Set([...(was?.steps ?? []), ...(would?.steps ?? [])].map((step) => Date.parse(step.from)))].sort((one, other) => one - other);
  const values = (from: BacktestRow | undefined) => {
    const shares = new Map((from?.steps ?? []).map((step) => [Date.parse(step.from), step.good_share === null ? null : 1 - step.good_share]));
    return times.map((time) => shares.get(time) ?? null);
  };
  const allowed =
    row.objective === null
      ? []
      : [{ name: words.allowed, colour: "warn", isDashed: true, values: times.map(() => 1 - (row.objective ?? 100) / 100) }];
  return (
    <TimeChart
      kind="lines"
      label={words.badShare}
      times={times}
      height={CHART_HEIGHT}
      zone={zone}
      fromMs={Date.parse(answer.from)}
      toMs={Date.parse(answer.to)}
      stepMs={row.step_minutes * MINUTE_MS}
      format={(value) => percent(value, 2)}
      series={[
        { name: words.wouldBe, colour: "series-1", values: values(would) },
        { name: words.asPromised, colour: "series-6", values: values(was) },
        ...allowed,
      ]}
    />
  );
}

function Firings({ answer }: { answer: BacktestAnswer }) {
  const { zone } = useZone();
  if (answer.firings_total === 0) return <p class="hint">{words.alertsNone}</p>;
  return (
    <div class="table-place" role="region" aria-label={words.alerts} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.firedAt}</th>
            <th scope="col" class="number">
              {words.firedFor}
            </th>
            <th scope="col">{words.alerts}</th>
            <th scope="col">{words.instance}</th>
            <th scope="col" class="number">
              {words.worst}
            </th>
          </tr>
        </thead>
        <tbody>
          {answer.firings.slice(0, FIRINGS_SHOWN).map((firing) => (
            <tr key={`${firing.fired_at} ${JSON.stringify(firing.labels)}`}>
              <th scope="row">{dateMinute(Date.parse(firing.fired_at), zone)}</th>
              <td class="number">{span(firing.minutes * MINUTE_MS)}</td>
              <td>
                {firing.labels["alertname"]} <span class="quiet">{firing.labels["severity"]}</span>
              </td>
              <td>
                <Foreign text={[firing.labels["method"], firing.labels["route"]].filter(Boolean).join(" ") || (firing.labels["service"] ?? "")} />
              </td>
              <td class="number">
                {words.badOf(whole(firing.bad), whole(firing.total), significant((100 * firing.bad) / Math.max(1, firing.total), 2))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {answer.firings_total > FIRINGS_SHOWN && <p class="table-more">{tableText.shown(whole(FIRINGS_SHOWN), whole(answer.firings_total))}</p>}
    </div>
  );
}
