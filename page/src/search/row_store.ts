// All rows of a result, however many, by their index: what is on screen is fetched, what is far away is forgotten.
//
// The server's pages only go forwards from a cursor. The histogram has exact counts, so the beginning of each of its
// intervals is a place whose index is known without reading what is before it: the scroll bar reaches row 1,500,000 with
// the pages of one interval. Refused: loading everything (memory), and a cap (then the oldest records cannot be reached).

import { type Hit, idOf, timeOf } from "../api/records";
import { cut } from "../parts/visible_text";

export interface Row {
  id: string;
  timeMs: number;
  fields: Hit;
}

/** Anything that has rows by index: a result, or the live tail. */
export interface Rows {
  count: number;
  row(index: number): Row | undefined;
  /** Says which rows are looked at. */
  want(first: number, last: number): void;
}

export interface PageRequest {
  from: string;
  to: string;
  cursor: string | undefined;
  limit: number;
  /** Only places are needed, not fields. */
  isOnlyIds: boolean;
}

export type LoadPage = (request: PageRequest, signal: AbortSignal) => Promise<{ hits: Hit[]; cursor: string | null }>;

/** A place from which pages can be read, and the index of its first row. */
export interface Anchor {
  index: number;
  from: string;
  to: string;
  cursor: string | undefined;
}

export const PAGE_ROWS = 500;
const WALK_ROWS = 10_000;
const CHUNKS_MAX = 120;
/** A list shows the beginning of a value; a record of 1 MB is read whole when it is opened. */
const TEXT_MAX = 400;

export class RowStore implements Rows {
  count = 0;
  private chunks = new Map<number, (Row | undefined)[]>();
  private anchors: Anchor[] = [];
  private wanted: [number, number] = [0, 0];
  private loading: AbortController | undefined;
  private isClosed = false;

  constructor(
    private readonly load: LoadPage,
    private readonly changed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The first page is there before anything is counted. */
  begin(hits: Hit[], anchor: Anchor, cursor: string | null): void {
    this.put(0, hits);
    this.anchors = [anchor];
    this.count = Math.max(this.count, hits.length);
    if (cursor !== null) this.learn({ ...anchor, index: hits.length, cursor });
    this.changed();
  }

  /** The counts are there: how many rows, and where each interval begins. */
  learnCounts(count: number, anchors: Anchor[]): void {
    this.count = Math.max(count, this.chunks.size === 0 ? 0 : Math.min(this.count, PAGE_ROWS));
    for (const anchor of anchors) this.learn(anchor);
    this.changed();
    void this.fill();
  }

  row(index: number): Row | undefined {
    return this.chunks.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  want(first: number, last: number): void {
    this.wanted = [Math.max(0, first), Math.min(last, this.count - 1)];
    void this.fill();
  }

  close(): void {
    this.isClosed = true;
    this.loading?.abort();
  }

  private async fill(): Promise<void> {
    if (this.loading || this.isClosed) return;
    let target = this.firstMissing();
    while (target !== undefined && !this.isClosed) {
      this.loading = new AbortController();
      try {
        const isDone = await this.step(target, this.loading.signal);
        if (isDone) break;
      } catch (error) {
        if (!this.isClosed) this.failed(error);
        break;
      } finally {
        this.loading = undefined;
      }
      target = this.firstMissing();
    }
  }

  /** Reads one page towards the row; true at the end of everything. */
  private async step(target: number, signal: AbortSignal): Promise<boolean> {
    const anchor = this.anchorBefore(target);
    if (!anchor) return true;
    const gap = target - anchor.index;
    const isWalk = gap >= 2 * PAGE_ROWS;
    const limit = isWalk ? Math.min(WALK_ROWS, gap) : PAGE_ROWS;
    const { hits, cursor } = await this.load({ ...anchor, limit, isOnlyIds: isWalk }, signal);
    if (this.isClosed) return true;
    if (!isWalk) this.put(anchor.index, hits);
    const end = anchor.index + hits.length;
    if (cursor !== null && hits.length > 0) this.learn({ ...anchor, index: end, cursor });
    // Fewer than were counted: records were removed meanwhile.
    else if (end < this.count) this.count = Math.max(end, 0);
    this.changed();
    return false;
  }

  private firstMissing(): number | undefined {
    const [first, last] = this.wanted;
    for (let index = first; index <= last && index < this.count; index += 1) if (!this.row(index)) return index;
    return undefined;
  }

  private anchorBefore(index: number): Anchor | undefined {
    let low = 0;
    let high = this.anchors.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.anchors[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return this.anchors[low - 1];
  }

  private learn(anchor: Anchor): void {
    const before = this.anchorBefore(anchor.index);
    if (before?.index === anchor.index) return;
    const at = before ? this.anchors.indexOf(before) + 1 : 0;
    this.anchors.splice(at, 0, anchor);
  }

  private put(first: number, hits: Hit[]): void {
    for (const [offset, hit] of hits.entries()) {
      const index = first + offset;
      const key = Math.floor(index / PAGE_ROWS);
      const chunk = this.chunks.get(key) ?? [];
      chunk[index % PAGE_ROWS] = rowOf(hit);
      // The newest last, so that the first is the one to forget.
      this.chunks.delete(key);
      this.chunks.set(key, chunk);
    }
    while (this.chunks.size > CHUNKS_MAX) {
      const oldest = this.chunks.keys().next().value;
      if (oldest === undefined) break;
      this.chunks.delete(oldest);
    }
  }
}

export function rowOf(hit: Hit): Row {
  const short: Hit = {};
  for (const [name, value] of Object.entries(hit)) {
    const isLong = typeof value === "string" && value.length > TEXT_MAX;
    // A slice keeps the whole text in memory; a text that was joined anew does not.
    short[name] = isLong ? `${cut(value, TEXT_MAX).split("").join("")}…` : value;
  }
  return { id: idOf(hit), timeMs: timeOf(hit), fields: short };
}
