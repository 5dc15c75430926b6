// Alerts: what fires now, what did, what is silenced, and who was told. One of them in full where the address has its
// number, as in mails.

import { useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { useBeat } from "../frame/use_beat";
import { Completeness, Loading, ProblemBox } from "../parts/states";
import { Tabs, currentTab } from "../parts/tabs";
import type { SourcesAnswer } from "../sources/shapes";
import "../style/views.css";
import { alertsText } from "../text";
import { ActiveAlerts } from "./active_alerts";
import "./alerts.css";
import { chosenAlert } from "./alert_address";
import { HistoryView } from "./history_view";
import { MessagesView } from "./messages_view";
import { OneAlert } from "./one_alert";
import type { AlertsAnswer, ToldAlert } from "./shapes";
import { SilencesView } from "./silences_view";
import { knownAlerts, useAlerts, useSourcesOfAlerts, useToldAlerts } from "./use_alerts";

const words = alertsText;

/** How often what fires is asked for again. */
const RENEWED_MS = 15_000;

export function AlertsView() {
  const { rest, params } = useLocation();
  const { toMs } = useTimeRange();
  const beat = useBeat(RENEWED_MS);
  const alerts = useAlerts(`${toMs} ${beat}`);
  const told = useToldAlerts(`${toMs} ${beat}`);
  const sources = useSourcesOfAlerts(`${toMs} ${beat}`).answer;
  // A server without receivers has no alerts of Alertmanager; those of its own it has.
  const toldAlerts = told.answer ?? (told.problem ? [] : undefined);
  const choice = chosenAlert(rest, params);
  if (choice) return <OneAlert choice={choice} alerts={alerts} told={toldAlerts} />;
  const tabs = tabsOf(alerts.answer);
  const tab = currentTab(tabs, params["tab"]);
  return (
    <div class="view">
      <header class="view-head">
        <h1>{words.title}</h1>
        <Completeness completeTo={sources?.complete_to} toMs={Date.now()} />
      </header>
      <Tabs label={words.title} tabs={tabs} current={tab} />
      {alerts.problem && <ProblemBox problem={alerts.problem} />}
      {!alerts.answer && !alerts.problem && <Loading />}
      {alerts.answer && <Tab tab={tab} alerts={alerts.answer} told={toldAlerts ?? []} sources={sources} beat={`${toMs} ${beat}`} />}
    </div>
  );
}

function tabsOf(answer: AlertsAnswer | undefined) {
  const firing = answer?.alerts.filter((alert) => alert.state === "firing").length;
  return [
    { name: "active", text: words.tabs.active, count: firing },
    { name: "history", text: words.tabs.history },
    { name: "silences", text: words.tabs.silences },
    { name: "messages", text: words.tabs.messages },
  ];
}

interface TabProps {
  tab: string;
  alerts: AlertsAnswer;
  told: ToldAlert[];
  sources: SourcesAnswer | undefined;
  beat: string;
}

function Tab({ tab, alerts, told, sources, beat }: TabProps) {
  const known = knownAlerts(alerts.alerts, told);
  switch (tab) {
    case "history":
      return <HistoryView history={alerts.history} known={known} />;
    case "silences":
      return <SilencesView alerts={known} />;
    case "messages":
      return <MessagesView beat={beat} />;
    default:
      return <ActiveAlerts alerts={known} sources={sources} />;
  }
}
