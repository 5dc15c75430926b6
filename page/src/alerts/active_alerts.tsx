// What fires or is pending now. "Nothing fires" is said only together with up to when that is known.

import { span } from "../format/duration";
import { dateTime } from "../format/instant";
import { whole } from "../format/number";
import { useZone } from "../frame/zone";
import { Badge, alertTone } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { Warnings } from "../parts/states";
import type { SourcesAnswer } from "../sources/shapes";
import { livenessOf } from "../sources/account";
import { alertsText } from "../text";
import { withTimesIn } from "./times_in_text";
import { alertAddress } from "./alert_address";
import { AlertName, LabelList } from "./label_list";
import type { KnownAlert } from "./use_alerts";

const words = alertsText;

export function ActiveAlerts({ alerts, sources }: { alerts: KnownAlert[]; sources: SourcesAnswer | undefined }) {
  const silent = (sources?.sources ?? []).filter((source) => livenessOf(source) !== "current").map(({ name }) => name);
  return (
    <>
      <Warnings warnings={silent.length > 0 ? [words.unknownSources(silent.join(", "))] : []} />
      {alerts.length === 0 ? <Nothing sources={sources} /> : <AlertTable alerts={alerts} />}
    </>
  );
}

function Nothing({ sources }: { sources: SourcesAnswer | undefined }) {
  const { zone } = useZone();
  const completeTo = sources?.complete_to;
  return (
    <div class="state">
      <p>{completeTo === null ? words.noneUnknown : words.none}</p>
      {completeTo && <p>{words.noneHint(dateTime(Date.parse(completeTo), zone))}</p>}
    </div>
  );
}

export function AlertTable({ alerts }: { alerts: KnownAlert[] }) {
  return (
    <div class="table-place" role="region" aria-label={words.tabs.active} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.stateColumn}</th><th scope="col">{words.what}</th><th scope="col" class="wide-only">{words.since}</th>
            <th scope="col" class="number">{words.numbers}</th><th scope="col" class="wide-only">{words.next}</th>
          </tr>
        </thead>
        <tbody>{alerts.map((alert) => <AlertLine key={JSON.stringify(alert.labels)} alert={alert} />)}</tbody>
      </table>
    </div>
  );
}

function AlertLine({ alert }: { alert: KnownAlert }) {
  const { zone } = useZone();
  const since = Date.parse(alert.fired_at ?? alert.active_at);
  const summary = alert.annotations["summary"] ?? "";
  return (
    <tr class={alert.state === "firing" && !alert.isSilenced ? "is-failing" : ""}>
      <td class="top"><StateBadge alert={alert} /></td>
      <th scope="row" class="top alert-what">
        <a href={alertAddress(alert.labels, alert.number)}><AlertName labels={alert.labels} /></a>
        {summary && <p><Foreign text={summary} max={300} /></p>}
        <LabelList labels={alert.labels} />
      </th>
      <td class="top wide-only moment-cell">{dateTime(since, zone)}<small class="hint cell-more">{span(Date.now() - since)}</small></td>
      <td class="number top">{alert.total > 0 ? words.ofTotal(whole(alert.bad), whole(alert.total)) : whole(alert.bad)}</td>
      <td class="top wide-only next-told">{alert.is_history ? words.foundLate : alert.told ? <Told alert={alert} /> : "–"}</td>
    </tr>
  );
}

export function StateBadge({ alert }: { alert: KnownAlert }) {
  if (alert.isSilenced) return <Badge tone={alertTone("silenced")} text={words.state["silenced"] ?? ""} />;
  return <Badge tone={alertTone(alert.state)} text={words.state[alert.state] ?? alert.state} />;
}

function Told({ alert: { told } }: { alert: KnownAlert }) {
  const { zone } = useZone();
  if (!told) return null;
  return <>{told.receivers.map(({ name }) => name).join(", ")}<small class="hint cell-more">{withTimesIn(told.explanation, zone)}</small></>;
}
