// A table that is sorted by any of its columns: real cells with scopes, sorted by buttons in the header, and never more
// rows in the page than somebody looks at.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { whole } from "../format/number";
import { tableText } from "../text";

export type SortValue = number | string | null;

export interface Column<Row> {
  /** Its name in the address: `p95`. */
  name: string;
  title: ComponentChildren;
  /** More about it, on pointing. */
  hint?: string;
  cell: (row: Row) => ComponentChildren;
  /** What it is sorted by; without it, it is not. */
  sortBy?: (row: Row) => SortValue;
  isNumber?: boolean;
  /** Names its row for those who hear the table. */
  isRowHeader?: boolean;
  class?: string;
}

export interface SortableTableProps<Row> {
  /** What the table is, for those who hear it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  rowClass?: (row: Row) => string;
  /** `name`, or `-name` for the largest first. */
  sort?: string;
  onSort?: (sort: string) => void;
  rowsMax?: number;
  class?: string;
}

export function SortableTable<Row>({ label, columns, rows, rowKey, rowClass, sort, onSort, rowsMax = 200, ...props }: SortableTableProps<Row>) {
  const [shownMax, setShownMax] = useState(rowsMax);
  useEffect(() => setShownMax(rowsMax), [sort, rowsMax]);
  const sorted = useMemo(() => sortedBy(rows, columns, sort), [rows, sort]);
  const shown = sorted.slice(0, shownMax);
  return (
    <div class={`table-place ${props.class ?? ""}`} role="region" aria-label={label} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>{columns.map((column) => <Header key={column.name} column={column} sort={sort} onSort={onSort} />)}</tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>{columns.map((column) => <Cell key={column.name} column={column} row={row} />)}</tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <p class="table-more">
          {tableText.shown(whole(shown.length), whole(sorted.length))}{" "}
          <button type="button" class="button" onClick={() => setShownMax(shownMax + rowsMax)}>{tableText.more}</button>
        </p>
      )}
    </div>
  );
}

interface HeaderProps<Row> {
  column: Column<Row>;
  sort: string | undefined;
  onSort: ((sort: string) => void) | undefined;
}

function Header<Row>({ column, sort, onSort }: HeaderProps<Row>) {
  const isAscending = sort === column.name;
  const isDescending = sort === `-${column.name}`;
  const classes = classesOf(column);
  if (!column.sortBy || !onSort) return <th scope="col" class={classes} title={column.hint}>{column.title}</th>;
  const next = isDescending || (!isAscending && !column.isNumber) ? column.name : `-${column.name}`;
  return (
    <th scope="col" class={classes} aria-sort={isAscending ? "ascending" : isDescending ? "descending" : "none"}>
      <button type="button" class="sort" title={column.hint} onClick={() => onSort(next)}>
        {column.title}
        <span class="sort-sign" aria-hidden="true">{isAscending ? "▲" : isDescending ? "▼" : ""}</span>
      </button>
    </th>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const classes = classesOf(column);
  if (column.isRowHeader) return <th scope="row" class={classes}>{column.cell(row)}</th>;
  return <td class={classes}>{column.cell(row)}</td>;
}

function classesOf<Row>(column: Column<Row>): string {
  return `${column.isNumber ? "number" : ""} ${column.class ?? ""}`.trim();
}

/** What is not known comes last, whichever way the rest is sorted. */
export function sortedBy<Row>(rows: Row[], columns: Column<Row>[], sort: string | undefined): Row[] {
  const isDescending = sort?.startsWith("-") ?? false;
  const column = columns.find(({ name }) => name === sort?.replace(/^-/, ""));
  const valueOf = column?.sortBy;
  if (!valueOf) return rows;
  return rows
    .map((row) => ({ row, value: valueOf(row) }))
    .sort((one, other) => compared(one.value, other.value, isDescending))
    .map(({ row }) => row);
}

function compared(one: SortValue, other: SortValue, isDescending: boolean): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (one === other) return 0;
  return one < other === isDescending ? 1 : -1;
}
