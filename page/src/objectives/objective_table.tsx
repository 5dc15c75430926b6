// Promises as a table, the broken ones first: each number with what it is of.

import { span } from "../format/duration";
import { dateMinute } from "../format/instant";
import { percent, significant, whole } from "../format/number";
import { addressOf, navigate, useLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { Badge, slaTone } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { type Column, SortableTable } from "../parts/sortable_table";
import { objectivesText } from "../text";
import { BudgetBar } from "./budget_bar";
import type { SlaStatus } from "./shapes";

const words = objectivesText;
const SEVERITY = ["met", "no_requests", "unknown", "broken"];

/** The windows of burn rates that a table has room for. */
const BURN_SHOWN = ["5m", "1h", "6h"];

export function instanceKey({ sla, source, route, method }: SlaStatus): string {
  return [sla, source, route, method].join("\u0000");
}

export function ObjectiveTable({ slas, isOfOne = false }: { slas: SlaStatus[]; isOfOne?: boolean }) {
  const { params } = useLocation();
  const { zone } = useZone();
  return (
    <SortableTable
      class="objective-table"
      label={words.title}
      columns={columnsOf(isOfOne, zone)}
      rows={slas}
      rowKey={instanceKey}
      rowClass={(row) => (row.state === "broken" ? "is-failing" : "")}
      sort={params["sort"] ?? "-state"}
      onSort={(sort) => navigate({ sort }, { replace: true })}
    />
  );
}

function columnsOf(isOfOne: boolean, zone: string): Column<SlaStatus>[] {
  const { columns } = words;
  const name: Column<SlaStatus> = {
    name: "objective",
    title: columns.objective,
    isRowHeader: true,
    class: "top",
    sortBy: (row) => row.sla,
    cell: (row) => <Named row={row} isOfOne={isOfOne} />,
  };
  return [
    name,
    {
      name: "state",
      title: columns.state,
      class: "top",
      sortBy: (row) => SEVERITY.indexOf(row.state),
      cell: (row) => <Badge tone={slaTone(row.state)} text={words.state[row.state] ?? row.state} hint={words.stateHint[row.state]} />,
    },
    { name: "share", title: columns.share, isNumber: true, class: "top", sortBy: (row) => row.good_share, cell: (row) => <Share row={row} /> },
    {
      name: "budget",
      title: columns.budget,
      class: "top budget-cell",
      sortBy: (row) => row.budget.left_share,
      cell: (row) => <BudgetBar row={row} />,
    },
    {
      name: "burn",
      title: columns.burn,
      hint: words.burnHint,
      class: "top wide-only",
      sortBy: (row) => row.burn_rates["1h"] ?? null,
      cell: (row) => <BurnRates row={row} windows={BURN_SHOWN} />,
    },
    {
      name: "coverage",
      title: columns.coverage,
      hint: words.coverageHint,
      isNumber: true,
      class: "top wide-only",
      sortBy: (row) => row.coverage,
      cell: (row) => <Known row={row} zone={zone} />,
    },
  ];
}

function Named({ row, isOfOne }: { row: SlaStatus; isOfOne: boolean }) {
  const { params } = useLocation();
  const { service, source, route, method, sla } = row;
  const instance =
    route || method ? (
      <a href={addressOf("route", { source, service, route, method, from: params["from"], to: params["to"] })}>
        <span class="method">{method}</span> <Foreign text={route} />
      </a>
    ) : (
      <span class="quiet">{words.whole}</span>
    );
  return (
    <>
      {!isOfOne && (
        <a class="objective-name" href={addressOf("objectives", { sla, from: params["from"], to: params["to"] })}>
          {sla}
        </a>
      )}
      <span class="objective-of">{instance}</span>
      <small class="hint objective-promise">
        {service} · {row.promise}
      </small>
    </>
  );
}

function Share({ row }: { row: SlaStatus }) {
  return (
    <>
      <b class={row.state === "broken" ? "is-bad" : ""}>{percent(row.good_share)}</b>
      <small class="hint cell-more">{words.promised(String(row.objective))}</small>
      <small class="hint cell-more wide-only">{words.counts(whole(row.good), whole(row.good + row.bad))}</small>
    </>
  );
}

export function BurnRates({ row, windows }: { row: SlaStatus; windows: string[] }) {
  return (
    <dl class="burn">
      {windows.map((window) => {
        const rate = row.burn_rates[window];
        return (
          <div key={window}>
            <dt>{window}</dt>
            <dd class={rate !== undefined && rate > 1 ? "is-bad" : ""}>{rate === undefined ? "–" : `${significant(rate, 2)}×`}</dd>
          </div>
        );
      })}
    </dl>
  );
}

/** How much of the span is known, and up to when. */
function Known({ row, zone }: { row: SlaStatus; zone: string }) {
  const to = row.to === null ? null : Date.parse(row.to);
  return (
    <>
      {percent(row.coverage, 2)}
      <small class="hint cell-more">{to === null ? words.neverComplete : words.completeTo(dateMinute(to, zone))}</small>
      <small class="hint cell-more">{words.ofSpan(spanOf(row))}</small>
    </>
  );
}

export function spanOf(row: SlaStatus): string {
  return span((row.to === null ? Date.now() : Date.parse(row.to)) - Date.parse(row.from));
}
