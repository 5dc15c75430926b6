// All promises: kept or broken, what is left of their budgets, and how fast it goes. One of them in full where the
// address names it.

import { getJson } from "../api/client";
import { useAnswer } from "../api/use_answer";
import { addressOf, useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { Empty, Loading, ProblemBox } from "../parts/states";
import "../style/views.css";
import { objectivesText } from "../text";
import "./objectives.css";
import { ObjectiveDetail } from "./objective_detail";
import { ObjectiveTable } from "./objective_table";
import type { SlaStatus, SlasAnswer } from "./shapes";

const words = objectivesText;

export function ObjectivesView() {
  const { params } = useLocation();
  const { toMs } = useTimeRange();
  const { answer, problem } = useAnswer(`slas ${toMs}`, (signal) => getJson<SlasAnswer>("api/slas", {}, signal));
  const name = params["sla"];
  return (
    <div class="view">
      <header class="view-head">
        <h1>{name ?? words.title}</h1>
        {name === undefined ? <p class="hint">{words.intro}</p> : <a href={addressOf("objectives", { from: params["from"], to: params["to"] })}>← {words.all}</a>}
      </header>
      {problem && <ProblemBox problem={problem} />}
      {!answer && !problem && <Loading />}
      {answer && <Promises slas={answer.slas} name={name} />}
    </div>
  );
}

function Promises({ slas, name }: { slas: SlaStatus[]; name: string | undefined }) {
  if (slas.length === 0) return <Empty><p>{words.empty}</p><p>{words.emptyHint}</p></Empty>;
  if (name === undefined) return <ObjectiveTable slas={slas} />;
  const instances = slas.filter(({ sla }) => sla === name);
  if (instances.length === 0) return <Empty><p>{words.notFound(name)}</p></Empty>;
  return <ObjectiveDetail name={name} instances={instances} />;
}
