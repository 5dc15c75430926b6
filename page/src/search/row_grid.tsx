// The table: draws the rows that are on screen, of however many there are.
//
// A browser's boxes end at some ten million pixels, so the scroll bar is shorter than the rows where there are very many:
// small movements are taken as they are, large ones as a share of the whole. The rows stand in a layer that does not
// scroll, so a frame that comes late shows old rows and never a blank.

import { type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Row, Rows } from "./row_store";

export interface RowGridProps {
  rows: Rows;
  /** Grows when rows have come. */
  version: number;
  template: string;
  header: ComponentChildren;
  columnCount: number;
  label: string;
  selected: number;
  select: (index: number) => void;
  open: (index: number) => void;
  /** Scrolled there when it changes; `at` makes the same index new. */
  shown?: { index: number; at: number } | undefined;
  rowClass: (row: Row) => string;
  children: (row: Row) => ComponentChildren;
  /** Called when the list leaves its top or comes back. */
  onTop?: (isTop: boolean) => void;
}

export const ROW_PX = 26;
const HEADER_PX = 30;
const HEIGHT_MAX_PX = 8_000_000;

export function RowGrid(props: RowGridProps) {
  const { rows, template, selected } = props;
  const box = useRef<HTMLDivElement>(null);
  const lastScroll = useRef(0);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const fitting = Math.max(1, Math.floor((height - HEADER_PX) / ROW_PX));
  const topMax = Math.max(0, rows.count - fitting);
  const spacer = Math.min(rows.count * ROW_PX + HEADER_PX, HEIGHT_MAX_PX);
  const first = Math.max(0, Math.floor(Math.min(top, topMax)));
  const last = Math.min(rows.count - 1, first + fitting + 1);

  const moveTo = (row: number) => {
    const next = Math.min(Math.max(row, 0), topMax);
    const element = box.current;
    setTop(next);
    if (!element) return;
    const scrollMax = element.scrollHeight - element.clientHeight;
    const place = topMax === 0 ? 0 : Math.round((next / topMax) * scrollMax);
    lastScroll.current = place;
    element.scrollTop = place;
  };
  const onScroll = () => {
    const element = box.current;
    if (!element || element.scrollTop === lastScroll.current) return;
    const next = rowAt(element, lastScroll.current, top, topMax);
    lastScroll.current = element.scrollTop;
    setTop(next);
    props.onTop?.(next < 0.5);
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    setHeight(element.clientHeight);
    return () => observer.disconnect();
  }, []);
  useEffect(() => rows.want(first - 40, last + 120), [rows, first, last, rows.count]);
  useEffect(() => {
    if (props.shown) moveTo(nearest(props.shown.index, top, fitting));
  }, [props.shown]);

  return (
    <div
      class="grid" ref={box} role="grid" tabIndex={0} aria-label={props.label} aria-rowcount={rows.count + 1} aria-colcount={props.columnCount}
      aria-activedescendant={selected >= first && selected <= last ? `row-${selected}` : undefined} onScroll={onScroll}
    >
      <div class="grid-layer" role="presentation" style={{ height: `${height}px`, gridTemplateColumns: template }}>
        <div class="grid-header" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>{props.header}</div>
        <div class="grid-body" role="rowgroup" style={{ height: `${height - HEADER_PX}px` }}>
          {indexes(first, last).map((index) => (
            <GridRow key={index - first} {...props} index={index} offset={(index - Math.min(top, topMax)) * ROW_PX} />
          ))}
        </div>
      </div>
      <div class="grid-spacer" role="presentation" style={{ height: `${Math.max(0, spacer - height)}px` }} />
    </div>
  );
}

function GridRow({ rows, index, offset, template, selected, select, open, rowClass, children }: RowGridProps & { index: number; offset: number }) {
  const row = rows.row(index);
  const isSelected = index === selected;
  return (
    <div
      class={`grid-row ${isSelected ? "is-selected" : ""} ${row ? rowClass(row) : "is-coming"}`} role="row" id={`row-${index}`} aria-rowindex={index + 2}
      aria-selected={isSelected} style={{ transform: `translateY(${offset}px)`, gridTemplateColumns: template }}
      onClick={() => { select(index); open(index); }}
    >
      {row ? children(row) : <div role="gridcell">…</div>}
    </div>
  );
}

/** The rows in their order, which is that of the elements too: elements stay where they are and get other texts. */
function indexes(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
}

/** The row at the top after the scroll bar moved. */
function rowAt(element: HTMLElement, before: number, top: number, topMax: number): number {
  const scrollMax = element.scrollHeight - element.clientHeight;
  const moved = element.scrollTop - before;
  if (element.scrollTop <= 0) return 0;
  if (element.scrollTop >= scrollMax - 1) return topMax;
  const isExact = topMax * ROW_PX <= scrollMax + ROW_PX * 2;
  if (isExact || Math.abs(moved) > element.clientHeight * 2) return (element.scrollTop / scrollMax) * topMax;
  return Math.min(Math.max(top + moved / ROW_PX, 0), topMax);
}

/** As little movement as shows the row. */
function nearest(index: number, top: number, fitting: number): number {
  if (index < top) return index;
  return index > top + fitting - 1 ? index - fitting + 1 : top;
}
