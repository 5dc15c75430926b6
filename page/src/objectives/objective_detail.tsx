// One promise with all of its instances: the numbers, the budget day by day, the way to the bad requests, and a place
// to try another promise.

import { durationMs } from "../alerts/duration_text";
import { span } from "../format/duration";
import { dateMinute, rfc3339 } from "../format/instant";
import { percent, significant, whole } from "../format/number";
import { addressOf, navigate, useLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { Badge, slaTone } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { both, is } from "../routes/route_query";
import { badRecordsOf } from "../routes/threshold";
import { objectivesText } from "../text";
import { BudgetDays } from "./budget_days";
import { countedFrom, hoursUntilSpent } from "./budget_history";
import { ObjectiveTable, instanceKey, spanOf } from "./objective_table";
import type { SlaStatus } from "./shapes";
import { TrialForm } from "./trial_form";

const words = objectivesText;
const HOUR_MS = 3_600_000;

export function ObjectiveDetail({ name, instances }: { name: string; instances: SlaStatus[] }) {
  const { params } = useLocation();
  const worst = [...instances].sort((one, other) => (one.budget.left_share ?? 2) - (other.budget.left_share ?? 2))[0];
  const chosen = instances.find((row) => instanceKey(row) === chosenKey(name, params)) ?? worst;
  return (
    <>
      {instances.length > 1 && <ObjectiveTable slas={instances} isOfOne />}
      {instances.length > 1 && chosen && <InstanceChoice instances={instances} chosen={chosen} />}
      {chosen && <Instance row={chosen} />}
      {chosen && <BudgetDays row={chosen} />}
      <TrialForm key={name} name={name} isOfMany={instances.length > 1} isLatency={badRecordsOf(chosen ?? null)?.includes("request_time") ?? false} />
    </>
  );
}

function chosenKey(name: string, params: Record<string, string>): string {
  return [name, params["source"] ?? "", params["route"] ?? "", params["method"] ?? ""].join("\u0000");
}

function InstanceChoice({ instances, chosen }: { instances: SlaStatus[]; chosen: SlaStatus }) {
  const choose = (key: string) => {
    const row = instances.find((one) => instanceKey(one) === key);
    if (row) navigate({ source: row.source, route: row.route || undefined, method: row.method || undefined }, { replace: true });
  };
  return (
    <div class="form-row">
      <label class="is-wide">
        {words.columns.instance}
        <select value={instanceKey(chosen)} onChange={(event) => choose(event.currentTarget.value)}>
          {instances.map((row) => (
            <option key={instanceKey(row)} value={instanceKey(row)}>
              {`${row.method} ${row.route}`.trim() || words.whole}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Instance({ row }: { row: SlaStatus }) {
  const { zone } = useZone();
  const moment = (text: string) => dateMinute(Date.parse(text), zone);
  return (
    <section class="view-section">
      <div class="section-head">
        <h2>
          {row.route ? (
            <>
              <span class="method">{row.method}</span> <Foreign text={row.route} />
            </>
          ) : (
            row.service
          )}
        </h2>
        <Badge tone={slaTone(row.state)} text={words.state[row.state] ?? row.state} />
        <p class="hint">{words.stateHint[row.state]}</p>
      </div>
      <p>{row.promise}.</p>
      <dl class="facts">
        <Fact
          name={words.columns.share}
          value={percent(row.good_share)}
          more={words.counts(whole(row.good), whole(row.good + row.bad))}
          isBad={row.state === "broken"}
        />
        <Fact
          name={words.columns.budget}
          value={percent(row.budget.left_share, 2)}
          more={words.badCounts(whole(row.budget.spent), significant(row.budget.allowed))}
          isBad={(row.budget.left_share ?? 0) < 0}
        />
        {Object.entries(row.burn_rates)
          .sort(byLength)
          .map(([window, rate]) => (
            <Fact
              key={window}
              name={`${words.columns.burn}, ${words.burnWindow(window)}`}
              value={`${significant(rate, 2)}×`}
              more=""
              isBad={rate > 1}
            />
          ))}
        <Fact name={words.columns.coverage} value={percent(row.coverage, 2)} more={words.ofSpan(spanOf(row))} />
        <Fact
          name={words.columns.until}
          value={row.to === null ? words.neverComplete : moment(row.to)}
          more={words.since(dateMinute(countedFrom(row.from), zone))}
        />
      </dl>
      <p class="hint">
        {words.burnHint} {lasting(row)}
      </p>
      <Links row={row} />
    </section>
  );
}

function Fact({ name, value, more, isBad = false }: { name: string; value: string; more: string; isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isBad ? "is-bad" : ""}>
        {value}
        <small>{more}</small>
      </dd>
    </div>
  );
}

/** The shortest window first. */
function byLength([one]: [string, number], [other]: [string, number]): number {
  return (durationMs(one) ?? 0) - (durationMs(other) ?? 0);
}

/** When the budget is used up, at the speed of the last hour. */
function lasting(row: SlaStatus): string {
  const spanHours = (Date.parse(row.to ?? row.from) - Date.parse(row.from)) / HOUR_MS;
  const hours = hoursUntilSpent(row.budget.left_share, row.burn_rates["1h"] ?? 0, spanHours);
  return hours === null ? "" : words.lasts(span(hours * HOUR_MS));
}

function Links({ row }: { row: SlaStatus }) {
  const { params } = useLocation();
  const { source, service, route, method } = row;
  const bad = badRecordsOf(row);
  const conditions = [is("source", source), is("service", service), route && is("route", route), method && is("method", method), bad ?? ""];
  return (
    <p class="link-row">
      {bad !== null && row.bad > 0 && (
        <a
          href={addressOf("search", {
            query: both(...conditions),
            from: rfc3339(countedFrom(row.from)),
            to: row.to ?? rfc3339(Date.now()),
          })}
        >
          {words.badRecords}
        </a>
      )}
      {route && <a href={addressOf("route", { source, service, route, method, from: params["from"], to: params["to"] })}>{words.route}</a>}
    </p>
  );
}
