// The columns of the table of routes.

import { latency } from "../format/duration";
import { percent, significant, whole } from "../format/number";
import { addressOf } from "../frame/location";
import type { SlaStatus } from "../objectives/shapes";
import { Badge, slaTone } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import type { Column } from "../parts/sortable_table";
import { Sparkline } from "../parts/sparkline";
import { routesText } from "../text";
import { ChangeCell, Delta } from "./delta";
import { changeRank } from "./period_change";
import { type ComparedRow, promiseOf, severityOf } from "./summary";
import { type Lines, lineKey } from "./use_routes";

const words = routesText;

export interface ColumnContext {
  slas: readonly SlaStatus[];
  lines: Lines | undefined;
  /** All rates of the table have one unit, so that they compare at a glance. */
  isPerSecond: boolean;
  /** How long the span is, in words. */
  spanText: string;
  /** Parameters that a link to a route keeps. */
  params: Record<string, string | undefined>;
  /** Sources and services are columns only where there are several. */
  hasSources: boolean;
  hasServices: boolean;
}

export function routeColumns(context: ColumnContext): Column<ComparedRow>[] {
  return [...nameColumns(context), ...numberColumns(context), ...contextColumns(context)];
}

function nameColumns({ hasSources, hasServices, params }: ColumnContext): Column<ComparedRow>[] {
  const { columns } = words;
  const columnsOfName: (Column<ComparedRow> | false)[] = [
    hasServices && {
      name: "service",
      title: columns.service,
      class: "wide-only",
      sortBy: (row) => row.service,
      cell: (row) => (row.service ? <Foreign text={row.service} /> : <span class="quiet">{words.noService}</span>),
    },
    hasSources && {
      name: "source",
      title: columns.source,
      class: "wide-only",
      sortBy: (row) => row.source,
      cell: (row) => <Foreign text={row.source} />,
    },
    {
      name: "route",
      title: columns.route,
      class: "route-name",
      isRowHeader: true,
      sortBy: (row) => row.route,
      cell: (row) => <RouteLink row={row} params={params} />,
    },
  ];
  return columnsOfName.filter((column) => column !== false);
}

function RouteLink({ row, params }: { row: ComparedRow; params: ColumnContext["params"] }) {
  const { source, service, route, method } = row;
  return (
    <a href={addressOf("route", { source, service: service || "-", route, method, ...params })}>
      <span class="method">{method}</span> <Foreign text={route} />
    </a>
  );
}

function numberColumns({ spanText, isPerSecond }: ColumnContext): Column<ComparedRow>[] {
  const { columns, hints } = words;
  const time = (name: "avg" | "p50" | "p99"): Column<ComparedRow> => ({
    name,
    title: columns[name],
    isNumber: true,
    class: "wide-only",
    sortBy: (row) => row[name],
    cell: (row) => latency(row[name]),
  });
  return [
    { name: "count", title: columns.count, isNumber: true, class: "wide-only", sortBy: (row) => row.count, cell: (row) => whole(row.count) },
    {
      name: "rate",
      title: isPerSecond ? columns.perSecond : columns.perMinute,
      isNumber: true,
      sortBy: (row) => row.rate,
      cell: (row) => (
        <>
          {significant(isPerSecond ? row.rate : row.rate * 60)}
          <Delta change={row.changes.rate} span={spanText} />
        </>
      ),
    },
    {
      name: "errors",
      title: columns.errors,
      hint: hints.errors,
      isNumber: true,
      sortBy: (row) => row.error_ratio,
      cell: (row) => <span class={row.error_ratio >= 0.01 ? "is-bad" : row.error_ratio === 0 ? "quiet" : ""}>{percent(row.error_ratio, 2)}</span>,
    },
    time("avg"),
    time("p50"),
    { name: "p95", title: columns.p95, isNumber: true, sortBy: (row) => row.p95, cell: (row) => latency(row.p95) },
    time("p99"),
    {
      name: "change",
      title: columns.change,
      hint: hints.change(spanText),
      isNumber: true,
      class: "wide-only",
      sortBy: (row) => changeRank(row.changes.p95),
      cell: (row) => <ChangeCell change={row.changes.p95} span={spanText} />,
    },
  ];
}

function contextColumns({ slas, lines }: ColumnContext): Column<ComparedRow>[] {
  const { columns, hints } = words;
  const promise: Column<ComparedRow> = {
    name: "sla",
    title: columns.sla,
    class: "promise-cell",
    sortBy: (row) => severityOf(promiseOf(row, slas)?.sla.state ?? ""),
    cell: (row) => <PromiseCell row={row} slas={slas} />,
  };
  const line: Column<ComparedRow> = {
    name: "line",
    title: columns.line,
    hint: hints.line,
    class: "wide-only",
    cell: (row) => <LineCell row={row} lines={lines} />,
  };
  return slas.length > 0 ? [promise, line] : [line];
}

function PromiseCell({ row, slas }: { row: ComparedRow; slas: readonly SlaStatus[] }) {
  const found = promiseOf(row, slas);
  if (!found) return <span class="quiet">{words.noSla}</span>;
  const { sla, isOfRoute } = found;
  const text = words.sla[sla.state] ?? sla.state;
  return (
    <a href={addressOf("objectives", { sla: sla.sla })} title={`${sla.sla}: ${sla.promise}`} class="badge-link">
      <Badge tone={slaTone(sla.state)} text={isOfRoute ? text : words.slaOfService(text)} />
    </a>
  );
}

function LineCell({ row, lines }: { row: ComparedRow; lines: Lines | undefined }) {
  const values = lines?.get(lineKey(row));
  if (!values) return null;
  const known = values.filter((value) => value !== null);
  return <Sparkline values={values} label={words.lineRead(latency(Math.min(...known)), latency(Math.max(...known)))} />;
}
