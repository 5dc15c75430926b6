// The search: a query, when, what was found. All of its state is in the address.

import { useEffect, useMemo, useState } from "preact/hooks";

import { type Span, fields } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { navigate, useLocation } from "../frame/location";
import { useTimeRange } from "../frame/time_range";
import { useNarrow } from "../parts/narrow";
import { ProblemBox } from "../parts/states";
import { searchText } from "../text";
import { RECORD, columnsOf, fieldsFor } from "./columns";
import { runQuery } from "./conditions";
import { ExportMenu } from "./export_menu";
import { FieldList } from "./field_list";
import { HistogramChart } from "./histogram_chart";
import { LiveView } from "./live_view";
import { NothingFound } from "./nothing_found";
import { isStatistics } from "./query_text";
import { QueryBar } from "./query_bar";
import { ResultNotes } from "./result_notes";
import { ResultTable } from "./result_table";
import { SavedSearchList } from "./saved_searches";
import "./search.css";
import { StatisticsTable } from "./statistics_table";
import { type Order, useHistogram, useRows } from "./use_search";
import { useViewKeys } from "./view_keys";

export function SearchView() {
  const { params } = useLocation();
  const range = useTimeRange();
  const query = params["query"] ?? "";
  const isNarrow = useNarrow();
  const span = useMemo<Span>(() => ({ query, from: range.fromTime, to: range.toTime }), [query, range.fromTime, range.toTime]);
  const columns = useMemo(() => columnsOf(params["columns"], isNarrow), [params["columns"], isNarrow]);
  const order: Order = params["order"] === "oldest" ? "oldest" : "newest";
  const split = params["split"] || "severity";
  const isNumbers = isStatistics(query);
  const isLive = params["live"] === "1" && !isNumbers;
  const [areFieldsShown, showFields] = useState(false);

  const fieldsWanted = fieldsFor(columns);
  const chart = useHistogram(isNumbers ? null : span, split);
  const found = useRows(span, order, isNumbers || isLive ? null : fieldsWanted, chart.histogram);
  // The fields of numbers are those of the records that they are about, whichever condition that is.
  const fieldSpan = isNumbers ? { ...span, query: "" } : span;
  const known = useFieldRows(fieldSpan, chart.isLoading && !isNumbers);
  const exported = columns.filter((name) => name !== RECORD).join(",") || fieldsWanted;
  const setLive = (isOn: boolean) => navigate({ live: isOn ? "1" : undefined });
  const setSplit = (name: string) => navigate({ split: name === "severity" ? undefined : name });
  const toggleColumn = (name: string) => navigate({ columns: toggled(params["columns"], name) });
  useEffect(() => showFields(false), [params["query"]]);
  useViewKeys(areFieldsShown, showFields, isLive);

  const badQuery = [found.problem, chart.problem].find((problem) => problem?.code === "bad_query");
  const problem = badQuery ? undefined : (found.problem ?? chart.problem);
  const isRenewed = found.isLoading || chart.isLoading || (chart.histogram !== undefined && chart.histogram.span !== span);
  const isEmpty = chart.histogram?.total === 0 && chart.histogram.span === span && !found.isLoading && found.rows?.count === 0;
  return (
    <div class={`search ${areFieldsShown ? "has-fields" : ""}`}>
      <h1 class="only-read-aloud">{searchText.run}</h1>
      <div class="search-top">
        <button type="button" class="button fields-button" aria-expanded={areFieldsShown} onClick={() => showFields(!areFieldsShown)}>
          ☰ {searchText.showFields}
        </button>
        <QueryBar query={query} span={span} fields={known ?? []} problem={badQuery} run={runQuery} />
        <div class="search-tools">
          <button type="button" class="button" aria-pressed={isLive} title={`${searchText.liveHint}  t`} disabled={isNumbers} onClick={() => setLive(!isLive)}>
            <span class="live-dot" />{searchText.live}
          </button>
          <ExportMenu asked={{ ...span, isStatistics: isNumbers }} count={chart.histogram?.total ?? 0} columns={exported} />
        </div>
      </div>
      <div class="search-side">
        <button type="button" class="button fields-close" onClick={() => showFields(false)}>{searchText.hideFields}</button>
        <SavedSearchList />
        <FieldList rows={known} span={fieldSpan} columns={columns} toggleColumn={toggleColumn} split={split} setSplit={setSplit} />
      </div>
      <div class="search-main">
        {isNumbers && !badQuery && <StatisticsTable span={span} />}
        {isLive && <LiveView query={query} fields={fieldsWanted} columns={columns} />}
        {!isNumbers && !isLive && !badQuery && (
          <>
            <HistogramChart state={chart} span={span} split={split} />
            <ResultNotes state={chart} first={found.first} isLoading={isRenewed} />
            {problem && <ProblemBox problem={problem} />}
            {isEmpty
              ? <NothingFound span={span} />
              : <ResultTable found={found} columns={columns} order={order} chosen={params["columns"] !== undefined} toggleColumn={toggleColumn} />}
          </>
        )}
      </div>
    </div>
  );
}

/** The fields of the records found, the most frequent first; asked when the chart is there, which people look at first. */
function useFieldRows(span: Span, isWaiting: boolean) {
  const { answer } = useAnswer(isWaiting ? null : `${span.query} ${span.from} ${span.to}`, (signal) => fields({ ...span, top: 0 }, signal));
  const [last, setLast] = useState(answer);
  useEffect(() => {
    if (answer) setLast(answer);
  }, [answer]);
  return useMemo(() => last && [...last.fields].sort((left, right) => right.count - left.count), [last]);
}

function toggled(columns: string | undefined, name: string): string | undefined {
  const names = columnsOf(columns);
  // The first column that is chosen takes the place of the one that tells everything.
  const kept = columns === undefined ? names.filter((other) => other !== RECORD) : names;
  const next = names.includes(name) ? names.filter((other) => other !== name) : [...kept, name];
  return next.length > 0 ? next.join(",") : undefined;
}
