// The budget day by day: bars for what a day took, and a table with the counts, each day the way to its bad requests.

import { dateMinute, rfc3339 } from "../format/instant";
import { percent, whole } from "../format/number";
import { addressOf } from "../frame/location";
import { Empty } from "../parts/states";
import { both, is } from "../routes/route_query";
import { badRecordsOf } from "../routes/threshold";
import { objectivesText } from "../text";
import { type BudgetPoint, budgetHistory, countedFrom } from "./budget_history";
import type { SlaStatus } from "./shapes";

const words = objectivesText;
const DAY_MS = 86_400_000;

export function BudgetDays({ row }: { row: SlaStatus }) {
  const history = budgetHistory(row.days, row.objective);
  return (
    <section class="view-section">
      <div class="section-head">
        <h2>{words.history}</h2>
        <p class="hint">{words.historyHint}</p>
      </div>
      {history.length === 0 ? <Empty>{words.noDays}</Empty> : <Days row={row} history={history} />}
    </section>
  );
}

function Days({ row, history }: { row: SlaStatus; history: BudgetPoint[] }) {
  return (
    <div class="table-place" role="region" aria-label={words.history} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.day}</th>
            <th scope="col" class="number">
              {words.good}
            </th>
            <th scope="col" class="number">
              {words.bad}
            </th>
            <th scope="col" class="number wide-only">
              {words.columns.share}
            </th>
            <th scope="col" class="number">
              {words.leftColumn}
            </th>
            <th scope="col" class="budget-fall">
              <span class="only-read-aloud">{words.history}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {[...history].reverse().map((point) => (
            <Day key={point.at} row={row} point={point} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Day({ row, point }: { row: SlaStatus; point: BudgetPoint }) {
  const { good, bad, left } = point;
  const width = (share: number | null) => `${100 * Math.max(0, Math.min(1, share ?? 0))}%`;
  return (
    <tr>
      <th scope="row">{dateMinute(point.at, "UTC").slice(0, 10)}</th>
      <td class="number">{whole(good)}</td>
      <td class={`number ${bad > 0 ? "" : "quiet"}`}>{bad > 0 ? <BadLink row={row} point={point} /> : "0"}</td>
      <td class="number wide-only">{percent(good + bad > 0 ? good / (good + bad) : null)}</td>
      <td class={`number ${left !== null && left < 0 ? "is-bad" : ""}`}>{percent(left, 2)}</td>
      <td class="budget-fall" aria-hidden="true">
        <i class={left !== null && left < 0 ? "is-over" : ""} style={{ width: width(left) }} />
        <i class="is-spent" style={{ width: width(point.spent) }} />
      </td>
    </tr>
  );
}

function BadLink({ row, point }: { row: SlaStatus; point: BudgetPoint }) {
  const bad = badRecordsOf(row);
  if (bad === null) return <>{whole(point.bad)}</>;
  const query = both(
    is("source", row.source),
    is("service", row.service),
    row.route && is("route", row.route),
    row.method && is("method", row.method),
    bad,
  );
  const from = Math.max(point.at, countedFrom(row.from));
  const to = Math.min(point.at + DAY_MS, row.to === null ? Infinity : Date.parse(row.to));
  return <a href={addressOf("search", { query, from: rfc3339(from), to: rfc3339(to) })}>{whole(point.bad)}</a>;
}
