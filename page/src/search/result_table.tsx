// The records found, with the one that is open beside them.

import { useEffect, useState } from "preact/hooks";

import { useKeys } from "../frame/keyboard";
import { goTo, navigate, useLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { useNarrow } from "../parts/narrow";
import { Loading } from "../parts/states";
import { searchText } from "../text";
import { Cell } from "./cells";
import { isNumeric, templateOf, timeText } from "./columns";
import { include } from "./conditions";
import { RecordPanel, storyAddress } from "./record_panel";
import { RowGrid } from "./row_grid";
import type { Row, RowStore } from "./row_store";
import { severityOf } from "./severity";
import { TableHeader, type TableHeaderProps } from "./table_header";
import type { SearchState } from "./use_search";

const words = searchText.keys;
const MEASURED_ROWS = 40;

export interface ResultTableProps extends TableHeaderProps {
  found: SearchState;
}

export function ResultTable({ found, ...header }: ResultTableProps) {
  const { params } = useLocation();
  const { zone } = useZone();
  const isNarrow = useNarrow();
  const [selected, setSelected] = useState(-1);
  const [shown, setShown] = useState<{ index: number; at: number }>();
  const { rows } = found;
  const opened = params["record"];
  const open = (index: number) => {
    const row = rows?.row(index);
    if (row) navigate({ record: row.id === opened ? undefined : row.id }, { replace: opened !== undefined });
  };
  const go = (index: number) => {
    if (!rows || rows.count === 0) return;
    const next = Math.min(Math.max(index, 0), rows.count - 1);
    setSelected(next);
    setShown({ index: next, at: Date.now() });
    const row = rows.row(next);
    if (opened !== undefined && row) navigate({ record: row.id }, { replace: true });
  };
  useEffect(() => {
    setSelected(-1);
    setShown({ index: 0, at: Date.now() });
  }, [rows]);
  useRowKeys({ rows, selected, go, open, opened });
  if (!rows) return found.problem ? null : <Loading />;
  const template = templateOf(header.columns, Array.from({ length: MEASURED_ROWS }, (_, index) => rows.row(index)), isNarrow);
  return (
    <div class={`result ${opened ? "has-record" : ""} ${found.isLoading ? "is-stale" : ""}`}>
      <RowGrid
        rows={rows} version={found.version} template={template} header={<TableHeader {...header} />} columnCount={header.columns.length + 1}
        label={searchText.table} selected={selected} select={setSelected} open={open} shown={shown} rowClass={rowClass}
      >
        {(row) => <RowCells row={row} columns={header.columns} zone={zone} isNarrow={isNarrow} />}
      </RowGrid>
      {opened && (
        <RecordPanel
          id={opened} close={() => navigate({ record: undefined }, { replace: true })} show={(id) => navigate({ record: id })} step={(by) => go(selected + by)}
          columns={header.columns} toggleColumn={header.toggleColumn}
        />
      )}
    </div>
  );
}

export function rowClass(row: Row): string {
  return `is-${severityOf(row.fields["status"], row.fields["level"])}`;
}

export function RowCells({ row, columns, zone, isNarrow }: { row: Row; columns: string[]; zone: string; isNarrow: boolean }) {
  return (
    <>
      <div role="gridcell" class="cell-time">{timeText(row, zone, isNarrow)}</div>
      {columns.map((column) => (
        <div key={column} role="gridcell" class={`cell ${isNumeric(column) ? "number" : ""}`}><Cell column={column} row={row} /></div>
      ))}
    </>
  );
}

interface RowKeys {
  rows: RowStore | undefined;
  selected: number;
  go: (index: number) => void;
  open: (index: number) => void;
  opened: string | undefined;
}

function useRowKeys({ rows, selected, go, open, opened }: RowKeys): void {
  const at = selected < 0 ? 0 : selected;
  const current = rows?.row(at);
  const story = current && storyAddress(current.fields);
  useKeys(searchText.keysTitle, [
    { keys: "j", text: words.next, run: () => go(selected + 1) },
    { keys: "k", text: words.previous, run: () => go(selected - 1) },
    { keys: "ArrowDown", text: words.next, run: () => go(selected + 1) },
    { keys: "ArrowUp", text: words.previous, run: () => go(selected - 1) },
    { keys: "o", text: words.open, run: () => open(at) },
    { keys: "Enter", text: words.open, run: () => open(at) },
    { keys: "e", text: words.nextError, run: () => go(nextError(rows, selected, 1)) },
    { keys: "E", text: words.previousError, run: () => go(nextError(rows, selected, -1)) },
    { keys: "f", text: words.include, run: () => current && includeOf(current) },
    { keys: "s", text: words.story, run: () => story && goTo(story) },
    { keys: "Home", text: words.first, run: () => go(0) },
    { keys: "End", text: words.last, run: () => go((rows?.count ?? 1) - 1) },
    { keys: "Escape", text: searchText.close, run: () => opened && navigate({ record: undefined }, { replace: true }) },
  ]);
}

function includeOf({ fields }: Row): void {
  const name = fields["route"] !== undefined && fields["route"] !== null ? "route" : "source";
  include(name, fields[name]);
}

/** The next row with an error among those that are loaded. */
function nextError(rows: RowStore | undefined, selected: number, step: 1 | -1): number {
  if (!rows) return selected;
  for (let index = selected + step; index >= 0 && index < rows.count; index += step) {
    const row = rows.row(index);
    if (!row) break;
    if (["5xx", "error"].includes(severityOf(row.fields["status"], row.fields["level"]))) return index;
  }
  return selected;
}
