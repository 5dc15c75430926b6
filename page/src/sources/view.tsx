// Where records come from and what became of each: the account of every source, what was rejected, how the server
// stands, and who did what.

import { useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { useBeat } from "../frame/use_beat";
import { Completeness, Empty, Loading, ProblemBox } from "../parts/states";
import { Tabs, currentTab } from "../parts/tabs";
import "../style/views.css";
import { sourcesText } from "../text";
import { AuditView } from "./audit_view";
import { RejectsView } from "./rejects_view";
import { ServerView } from "./server_view";
import { SourceTable } from "./source_table";
import "./sources.css";
import { useSources } from "./use_sources";

const words = sourcesText;
const RENEWED_MS = 5_000;

export function SourcesView() {
  const { params } = useLocation();
  const { toMs } = useTimeRange();
  const beat = `${toMs} ${useBeat(RENEWED_MS)}`;
  const { answer, problem, rates } = useSources(beat);
  const tabs = [
    { name: "sources", text: words.tabs.sources },
    { name: "rejects", text: words.tabs.rejects, count: answer?.rejects_kept },
    { name: "server", text: words.tabs.server },
    { name: "audit", text: words.tabs.audit },
  ];
  const tab = currentTab(tabs, params["tab"]);
  return (
    <div class="view">
      <header class="view-head">
        <h1>{words.title}</h1>
        <Completeness completeTo={answer?.complete_to} toMs={Date.now()} />
      </header>
      <Tabs label={words.title} tabs={tabs} current={tab} />
      {problem && <ProblemBox problem={problem} />}
      {!answer && !problem && <Loading />}
      {answer && tab === "sources" && (answer.sources.length === 0
        ? <Empty><p>{words.empty}</p><p>{words.emptyHint}</p></Empty>
        : <SourceTable sources={answer.sources} rates={rates} />)}
      {answer && tab === "rejects" && <RejectsView sources={answer} />}
      {tab === "server" && <ServerView beat={beat} sources={answer} />}
      {tab === "audit" && <AuditView />}
    </div>
  );
}
