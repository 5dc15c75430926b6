// One route: how it behaved over the span, for whom it was slow, and what went wrong.

import { useMemo } from "preact/hooks";

import { span as spanText } from "../format/duration";
import { addressOf, useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { Foreign } from "../parts/foreign";
import { Completeness, Empty, Loading, ProblemBox, Warnings } from "../parts/states";
import { useCompleteTo } from "../sources/use_complete_to";
import "../style/views.css";
import { routeText, routesText } from "../text";
import { ErrorMessages } from "./error_messages";
import { HeatMap } from "./heat_map";
import { RouteCharts } from "./route_charts";
import { RouteNumbers } from "./route_numbers";
import { recordsOf } from "./route_query";
import "./routes.css";
import { SlowestRequests } from "./slowest_requests";
import { promiseOf } from "./summary";
import { TargetGroups } from "./target_groups";
import { useTotals } from "./use_route";
import { useSlas } from "./use_routes";
import { wholeMinutes } from "./whole_minutes";

const words = routeText;

/** In the address, requests that no service has. */
export const NO_SERVICE = "-";

export function RouteView() {
  const { params } = useLocation();
  const { source = "", route = "", method = "", query = "", service } = params;
  if (!route) return <Empty><p>{words.noRoute}</p><a class="button" href={addressOf("routes")}>{words.back}</a></Empty>;
  const serviceName = service === NO_SERVICE ? "" : service;
  const key = { source, route, method, ...(serviceName === undefined ? {} : { service: serviceName }) };
  return <Route key={JSON.stringify(key)} source={source} service={serviceName} route={route} method={method} records={recordsOf(key, query)} />;
}

interface RouteProps {
  source: string;
  service: string | undefined;
  route: string;
  method: string;
  /** All of its records, in the query language. */
  records: string;
}

function Route({ source, service, route, method, records }: RouteProps) {
  const range = useTimeRange();
  const { params } = useLocation();
  const span = useMemo(() => wholeMinutes(range.fromMs, range.toMs), [range.fromMs, range.toMs]);
  const totals = useTotals(span, records);
  const slas = useSlas(span.to).answer?.slas ?? [];
  const promise = promiseOf({ source, service: service ?? "", route, method }, slas);
  const { answer, problem } = totals;
  const back = { from: params["from"], to: params["to"], query: params["query"] };
  const completeTo = useCompleteTo(source, answer?.completeTo, span.to);
  const completeToMs = completeTo ? Date.parse(completeTo) : null;
  return (
    <div class="view">
      <header class="view-head">
        <h1><span class="method">{method}</span> <Foreign text={route} /></h1>
        <p class="hint">{[service, source, spanText(range.toMs - range.fromMs)].filter(Boolean).join(" · ")}</p>
        <Completeness completeTo={completeTo} toMs={range.toMs} />
      </header>
      <nav class="link-row" aria-label={words.records}>
        <a href={addressOf("routes", back)}>← {words.back}</a>
        <a href={addressOf("search", { query: records, from: span.from, to: span.to })}>{words.allRecords}</a>
        {answer !== undefined && answer.failed > 0 && (
          <a href={addressOf("search", { query: `${records} AND status:>=500`, from: span.from, to: span.to })}>{words.failedRecords}</a>
        )}
      </nav>
      {problem && <ProblemBox problem={problem} />}
      {!answer && !problem && <Loading />}
      {answer && <Warnings warnings={answer.warnings} isPartial={answer.isPartial} />}
      {answer?.all?.n === 0 && <Empty><p>{routesText.empty}</p><p>{routesText.emptyHint}</p></Empty>}
      {answer?.all && answer.all.n > 0 && (
        <>
          <RouteNumbers totals={answer.all} failed={answer.failed} span={span} records={records} promise={promise?.sla ?? null} />
          <RouteCharts span={span} records={records} completeToMs={completeToMs} promise={promise?.sla ?? null} />
          <HeatMap span={span} records={records} longest={answer.all.longest} />
          <div class="two-columns">
            <TargetGroups span={span} records={records} />
            <SlowestRequests span={span} records={records} count={answer.all.n} />
          </div>
          <ErrorMessages span={span} records={records} />
        </>
      )}
    </div>
  );
}
