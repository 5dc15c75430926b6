// One alert in full: what it measured, its rule, and the way to exactly the records that it counted. This is where
// the links of mails lead.

import type { Answer } from "../api/use_answer";
import { span } from "../format/duration";
import { dateTime } from "../format/instant";
import { significant, whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { alertsText } from "../text";
import { StateBadge } from "./active_alerts";
import { type AlertChoice, isChosen } from "./alert_address";
import { AlertChart } from "./alert_chart";
import { recordsOfAlert } from "./alert_records";
import { ChangeTable } from "./change_table";
import { AlertName, LabelList } from "./label_list";
import { matchersOf } from "./matchers";
import type { AlertsAnswer, Labels, ToldAlert } from "./shapes";
import { type Change, labelKey } from "./time_line";
import { withTimesIn } from "./times_in_text";
import { type KnownAlert, knownAlerts } from "./use_alerts";

const words = alertsText.one;

export function OneAlert({ choice, alerts, told }: { choice: AlertChoice; alerts: Answer<AlertsAnswer>; told: ToldAlert[] | undefined }) {
  const { answer, problem } = alerts;
  const isWaiting = !answer || told === undefined;
  return (
    <div class="view">
      <a class="back" href={addressOf("alerts")}>← {words.back}</a>
      {problem && <ProblemBox problem={problem} />}
      {!problem && isWaiting && <Loading />}
      {answer && told !== undefined && <Found choice={choice} answer={answer} told={told} />}
    </div>
  );
}

function Found({ choice, answer, told }: { choice: AlertChoice; answer: AlertsAnswer; told: ToldAlert[] }) {
  const alert = knownAlerts(answer.alerts, told).find((row) => isChosen(choice, row.labels, row.number));
  const labels = alert?.labels ?? answer.history.find((change) => isChosen(choice, change.labels, change.fingerprint))?.labels;
  if (!labels) return <Empty><p>{words.notFound}</p><p>{words.notFoundHint}</p></Empty>;
  const changes = answer.history.filter((change) => labelKey(change.labels) === labelKey(labels));
  return (
    <>
      <header class="view-head">
        <h1><AlertName labels={labels} /></h1>
        {alert && <StateBadge alert={alert} />}
      </header>
      {alert?.annotations["summary"] && <p class="alert-summary"><Foreign text={alert.annotations["summary"]} /></p>}
      {alert?.annotations["description"] && <p><Foreign text={alert.annotations["description"]} isBlock /></p>}
      <LabelList labels={labels} />
      {alert && <Numbers alert={alert} />}
      <AlertLinks labels={labels} alert={alert} changes={changes} />
      {alert && <AlertChart alert={alert} />}
      {alert && <WhoIsTold alert={alert} />}
      <section class="view-section"><h2>{words.history}</h2><ChangeTable changes={changes} /></section>
    </>
  );
}

function Numbers({ alert }: { alert: KnownAlert }) {
  const { zone } = useZone();
  const moment = (text: string) => dateTime(Date.parse(text), zone);
  const { bad, total, value } = alert;
  return (
    <>
      <dl class="facts">
        <div><dt>{words.measured}</dt><dd>{total > 0 ? alertsText.ofTotal(whole(bad), whole(total)) : whole(bad)}</dd></div>
        {value !== null && <div><dt>{words.value}</dt><dd>{significant(value)}</dd></div>}
        <Moment name={words.activeAt} text={moment(alert.active_at)} ago={alert.active_at} />
        {alert.fired_at && <Moment name={words.firedAt} text={moment(alert.fired_at)} ago={alert.fired_at} />}
        {alert.resolved_at && <Moment name={words.resolvedAt} text={moment(alert.resolved_at)} ago={alert.resolved_at} />}
      </dl>
      <section class="view-section"><h2>{words.explanation}</h2><p class="rule-text"><Foreign text={alert.explanation} /></p></section>
    </>
  );
}

function Moment({ name, text, ago }: { name: string; text: string; ago: string }) {
  return <div><dt>{name}</dt><dd class="moment">{text}<small>{alertsText.ago(span(Date.now() - Date.parse(ago)))}</small></dd></div>;
}

function AlertLinks({ labels, alert, changes }: { labels: Labels; alert: KnownAlert | undefined; changes: Change[] }) {
  const { address, isExact } = recordsOfAlert(labels, alert, changes);
  const { sla, service, source, route, method } = labels;
  return (
    <>
      <p class="row-actions">
        <a class="button primary" href={address}>{isExact ? words.badRecords : words.badRecordsGuess}</a>
        {sla && <a class="button" href={addressOf("objectives", { sla, source, route, method })}>{words.objective}</a>}
        {route && <a class="button" href={addressOf("route", { source, service, route, method, from: "now-6h" })}>{words.route}</a>}
        <a class="button" href={addressOf("alerts", { tab: "silences", matchers: matchersOf(labels) })}>{words.silence}</a>
      </p>
      {!isExact && <p class="hint">{words.guessHint}</p>}
    </>
  );
}

function WhoIsTold({ alert }: { alert: KnownAlert }) {
  const { zone } = useZone();
  const { told } = alert;
  return (
    <section class="view-section">
      <h2>{words.told}</h2>
      {!told && <p class="hint">{alert.is_history ? alertsText.foundLate : words.notTold}</p>}
      {told?.explanation.split("; ").map((line) => <p key={line}>{withTimesIn(line, zone)}</p>)}
      {told && told.status.silencedBy.length > 0 && (
        <p>{words.silencedBy} <a href={addressOf("alerts", { tab: "silences" })}>{told.status.silencedBy.join(", ")}</a></p>
      )}
      {told?.status.inhibitedBy.map((other) => <p key={other}>{words.inhibitedBy}: <a href={addressOf("alerts", {}, other)}>{other}</a></p>)}
    </section>
  );
}
