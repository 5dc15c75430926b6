// The heads of the columns: the time turns the order round, the others can be moved and removed.

import { navigate } from "../frame/location";
import { Foreign } from "../parts/foreign";
import { searchText } from "../text";
import { RECORD } from "./columns";
import type { Order } from "./use_search";

export interface TableHeaderProps {
  columns: string[];
  order: Order;
  /** Whether the reader chose the columns. */
  chosen: boolean;
  toggleColumn?: (name: string) => void;
}

export function TableHeader({ columns, order, chosen, toggleColumn }: TableHeaderProps) {
  const orderText = order === "newest" ? searchText.newest : searchText.oldest;
  return (
    <>
      <div role="columnheader" aria-sort={order === "newest" ? "descending" : "ascending"}>
        <button type="button" title={searchText.toggleOrder(orderText)} onClick={() => navigate({ order: order === "newest" ? "oldest" : undefined })}>
          {searchText.time} <span aria-hidden="true">{order === "newest" ? "↓" : "↑"}</span><span class="only-read-aloud">{searchText.toggleOrder(orderText)}</span>
        </button>
      </div>
      {columns.map((name, index) => (
        <div key={name} role="columnheader">
          <Foreign text={name === RECORD ? searchText.record : name} max={60} />
          {chosen && toggleColumn && (
            <span class="column-actions">
              {index > 0 && <HeadButton title={searchText.moveColumn(name)} sign="←" run={() => navigate({ columns: movedLeft(columns, index).join(",") })} />}
              <HeadButton title={searchText.removeColumn(name)} sign="×" run={() => toggleColumn(name)} />
            </span>
          )}
          {chosen && index === columns.length - 1 && (
            <HeadButton title={searchText.standardColumns} sign="⟲" run={() => navigate({ columns: undefined })} />
          )}
        </div>
      ))}
    </>
  );
}

function HeadButton({ title, sign, run }: { title: string; sign: string; run: () => void }) {
  return <button type="button" title={title} aria-label={title} onClick={run}>{sign}</button>;
}

function movedLeft(columns: string[], index: number): string[] {
  const moved = [...columns];
  const [name] = moved.splice(index, 1);
  if (name !== undefined) moved.splice(index - 1, 0, name);
  return moved;
}
