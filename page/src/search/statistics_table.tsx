// The answer of a query that ends with `| stats`: numbers of groups, as a table. Each row opens its records.

import { type AggregateAnswer, type Cell, type Span, statistics } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { latency } from "../format/duration";
import { percent, significant, whole } from "../format/number";
import { dateTime, rfc3339 } from "../format/instant";
import { resolveTime } from "../format/time_expression";
import { addressOf } from "../frame/location";
import { type TimeRange, useTimeRange } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { Completeness, Empty, Loading, ProblemBox, Warnings } from "../parts/states";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { termOf, tokens, withTerm } from "./query_text";

export function StatisticsTable({ span }: { span: Span }) {
  const range = useTimeRange();
  const { answer, problem, isLoading } = useAnswer(`${span.query} ${span.from} ${span.to}`, (signal) => statistics(span, signal));
  if (problem && problem.code !== "bad_query") return <ProblemBox problem={problem} />;
  if (!answer) return isLoading ? <Loading /> : null;
  return (
    <div class={`statistics ${isLoading ? "is-stale" : ""}`}>
      <p class="result-notes">
        <strong>{searchText.groups(whole(answer.rows.length))}</strong>
        <span class="muted">{searchText.took(answer.took_ms)}</span>
        {!answer.is_exact && <span class="muted">{searchText.notExact(percent(answer.error_bound))}</span>}
        <Completeness completeTo={answer.complete_to} toMs={range.toMs} />
      </p>
      <Warnings warnings={[...answer.warnings, ...(answer.is_cut ? [searchText.isCut] : [])]} isPartial={answer.is_partial} />
      {answer.rows.length === 0 ? <Empty>{searchText.nothing}</Empty> : <Rows answer={answer} query={span.query} />}
    </div>
  );
}

function Rows({ answer, query }: { answer: AggregateAnswer; query: string }) {
  const { zone } = useZone();
  const range = useTimeRange();
  const columns = Object.keys(answer.rows[0] ?? {});
  const groups = groupFields(query, columns);
  const isNumber = (name: string) => !groups.includes(name) && answer.rows.some((row) => typeof row[name] === "number");
  const address = (row: Record<string, Cell>) => {
    const condition = query.slice(0, tokens(query).find(({ kind }) => kind === "pipe")?.start ?? query.length).trim();
    const narrowed = groups.reduce((text, name) => withTerm(text, termOf(name, row[name])), condition);
    return addressOf("search", { query: narrowed, ...timesOf(row, query, range) });
  };
  return (
    <div class="table-scroll">
      <table class="plain">
        <thead>
          <tr>
            {columns.map((name) => <th key={name} scope="col" class={isNumber(name) ? "number" : ""}><Foreign text={name} max={80} /></th>)}
            <th scope="col"><span class="only-read-aloud">{searchText.open}</span></th>
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row, index) => (
            <tr key={index}>
              {columns.map((name) => <td key={name} class={isNumber(name) ? "number" : ""}><Foreign text={shown(name, row[name], zone)} max={200} /></td>)}
              <td>{(groups.length > 0 || columns.includes("@timestamp")) && <a href={address(row)} aria-label={searchText.open}>→</a>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function shown(name: string, value: Cell | undefined, zone: string): string {
  const isSeconds = /^(p[\d.]+|avg|min|max|median|sum)\((request_time|upstream_time|connection_time)\)$/.test(name);
  if (value === null || value === undefined) return "–";
  if (name === "@timestamp") return dateTime(Date.parse(String(value)), zone);
  if (typeof value === "number" && isSeconds) return latency(value);
  return typeof value === "number" ? (Number.isInteger(value) ? whole(value) : significant(value, 4)) : valueText(value);
}

/** A row of an interval opens the records of its interval. */
function timesOf(row: Record<string, Cell>, query: string, range: TimeRange): { from: string; to: string } {
  const interval = /@timestamp:(\d+[smhdw])/.exec(query)?.[1];
  const start = Date.parse(String(row["@timestamp"]));
  const end = interval ? resolveTime(`now+${interval}`, start) : null;
  if (end === null || Number.isNaN(start)) return { from: range.from, to: range.to };
  return { from: rfc3339(Math.max(start, range.fromMs)), to: rfc3339(Math.min(end, range.toMs)) };
}

/** The columns that are groups and no numbers: those named behind `by` or in the short forms. */
function groupFields(query: string, columns: string[]): string[] {
  const pipe = query.slice(tokens(query).find(({ kind }) => kind === "pipe")?.start ?? 0);
  const by = /\bby\s+(.*?)(\||$|\bsort\b|\blimit\b)/.exec(pipe)?.[1] ?? /\|\s*top\s+\d*\s*([^|]*)/.exec(pipe)?.[1] ?? "";
  const names = by.split(",").map((name) => name.trim());
  return columns.filter((name) => name !== "@timestamp" && names.includes(name));
}
