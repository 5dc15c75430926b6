// All routes with their numbers: which are slow, which fail, which got worse, and what was promised about them.

import { useMemo } from "preact/hooks";

import { span as spanText } from "../format/duration";
import { percent } from "../format/number";
import { navigate, useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { SortableTable } from "../parts/sortable_table";
import { Completeness, Empty, Loading, ProblemBox, Warnings } from "../parts/states";
import { useCompleteTo } from "../sources/use_complete_to";
import { routesText } from "../text";
import { routeColumns } from "./route_columns";
import { RouteFilter } from "./route_filter";
import "../style/views.css";
import "./routes.css";
import type { RoutesAnswer } from "./shapes";
import { type ComparedRow, comparedRows, rowKey } from "./summary";
import { useIsKnownBefore, useLines, useRoutes, useSlas } from "./use_routes";
import { type MinuteSpan, minutesBefore, wholeMinutes } from "./whole_minutes";

const words = routesText;

/** Requests per second of the busiest route from which on a table counts by the second. */
const PER_SECOND_FROM = 5;

export function RoutesView() {
  const range = useTimeRange();
  const { params } = useLocation();
  const query = params["query"] ?? "";
  const span = useMemo(() => wholeMinutes(range.fromMs, range.toMs), [range.fromMs, range.toMs]);
  const { answer, problem, isLoading } = useRoutes(span, query);
  const completeTo = useCompleteTo(params["source"], answer?.complete_to, span.to);
  // A server that does not answer leaves what was known, marked as old; a wrong question has no answer.
  const isCurrent = !problem || problem.status === 0 || problem.status >= 500;
  return (
    <div class="view">
      <header class="view-head">
        <h1>{words.title}</h1>
        <p class="hint">{query ? words.introFiltered : words.intro}</p>
        <Completeness completeTo={completeTo} toMs={range.toMs} />
      </header>
      <RouteFilter query={query} problem={problem} />
      {problem && <ProblemBox problem={problem} />}
      {!answer && isLoading && <Loading />}
      {answer && isCurrent && <Routes answer={answer} span={span} query={query} isRenewed={isLoading || problem !== undefined} />}
    </div>
  );
}

interface RoutesProps {
  answer: RoutesAnswer;
  span: MinuteSpan;
  query: string;
  isRenewed: boolean;
}

function Routes({ answer, span, query, isRenewed }: RoutesProps) {
  const { params } = useLocation();
  const before = useRoutes(minutesBefore(span), query).answer;
  const isKnownBefore = useIsKnownBefore(span);
  const slas = useSlas(span.to).answer?.slas ?? [];
  const lines = useLines(span, query, answer.routes);
  const all = useMemo(() => comparedRows(answer.routes, isKnownBefore ? before?.routes : undefined), [answer, before, isKnownBefore]);
  const rows = params["source"] ? all.filter(({ source }) => source === params["source"]) : all;
  if (all.length === 0) {
    return <Empty><p>{query ? words.emptyFiltered : words.empty}</p><p>{words.emptyHint}</p></Empty>;
  }
  const sources = [...new Set(all.map(({ source }) => source))].sort();
  const columns = routeColumns({
    slas, lines, spanText: spanText(span.toMs - span.fromMs), isPerSecond: rows.some(({ rate }) => rate >= PER_SECOND_FROM),
    params: { from: params["from"], to: params["to"], query: query || undefined },
    hasSources: !params["source"] && sources.length > 1,
    hasServices: rows.some(({ service }) => service !== ""),
  });
  return (
    <>
      <Warnings warnings={answer.warnings} isPartial={answer.is_partial} />
      {sources.length > 1 && <SourceChoice sources={sources} chosen={params["source"] ?? ""} />}
      <div class={isRenewed ? "is-renewed" : ""}>
        <SortableTable
          label={words.title} columns={columns} rows={rows} rowKey={rowKey} rowClass={rowClass} class="routes-table"
          sort={params["sort"] ?? "-count"} onSort={(sort) => navigate({ sort }, { replace: true })}
        />
      </div>
      <p class="hint">{[exactness(answer), isKnownBefore === false || before?.routes.length === 0 ? words.nothingBefore : ""].join(" ")}</p>
    </>
  );
}

/** One request is in the log of the load balancer and in that of nginx: each source is a view of its own. */
function SourceChoice({ sources, chosen }: { sources: string[]; chosen: string }) {
  const button = (source: string, text: string) => (
    <button key={source} type="button" class="button" aria-pressed={source === chosen} onClick={() => navigate({ source: source || undefined }, { replace: true })}>
      {text}
    </button>
  );
  return <div class="row-actions" role="group" aria-label={words.columns.source}>{[button("", words.allSources), ...sources.map((source) => button(source, source))]}</div>;
}

function rowClass(row: ComparedRow): string {
  return row.error_ratio >= 0.01 ? "is-failing" : "";
}

/** How exact the percentiles are; never left out. */
function exactness({ percentiles }: RoutesAnswer): string {
  if (percentiles.is_exact) return words.exact;
  return percentiles.error_bound === null ? words.errorUnbounded : words.errorBound(percent(percentiles.error_bound, 2));
}
