// A search and everything on screen that belongs to it: the rows, the chart, the notes.

import { useEffect, useRef, useState } from "preact/hooks";

import { ApiProblem, asProblem, isAbort } from "../api/client";
import { type SearchAnswer, type SearchQuery, type Span, search } from "../api/records";
import { chartInterval } from "../frame/time_range";
import { type Histogram, type Split, anchorsOf, loadHistogram } from "./histogram";
import { RowStore } from "./row_store";

export type Order = "newest" | "oldest";

export interface SearchState {
  rows: RowStore | undefined;
  /** Grows when rows have come. */
  version: number;
  first: SearchAnswer | undefined;
  problem: ApiProblem | undefined;
  isLoading: boolean;
}

const FIRST_ROWS = 100;

/** The rows of a search. `fieldList` are the fields that the table shows, `null` while nothing shall be asked. */
export function useRows(span: Span, order: Order, fieldList: string | null, histogram: Histogram | undefined): SearchState {
  const [state, setState] = useState<SearchState>({ rows: undefined, version: 0, first: undefined, problem: undefined, isLoading: true });
  const key = fieldList === null ? null : `${span.query}\n${span.from}\n${span.to}\n${order}\n${fieldList}`;
  const counted = useRef<Histogram | undefined>(undefined);
  counted.current = histogram;
  useEffect(() => {
    if (key === null || fieldList === null) return undefined;
    const controller = new AbortController();
    const fail = (error: unknown) => {
      if (!isAbort(error) && !controller.signal.aborted) setState((before) => ({ ...before, problem: asProblem(error), isLoading: false }));
    };
    const ask = searchWith(fieldList);
    const rows = new RowStore(
      ({ isOnlyIds, ...page }, signal) => ask({ query: span.query, from: page.from, to: page.to, cursor: page.cursor, limit: page.limit, order, total: false }, signal, isOnlyIds),
      () => setState((before) => (before.rows === rows ? { ...before, version: before.version + 1 } : before)),
      fail,
    );
    setState((before) => ({ ...before, isLoading: true, problem: undefined }));
    ask({ ...span, limit: FIRST_ROWS, order, total: false }, controller.signal).then((answer) => {
      if (controller.signal.aborted) return;
      rows.begin(answer.hits, { index: 0, from: span.from, to: span.to, cursor: undefined }, answer.cursor);
      applyCounts(rows, counted.current, span, order);
      setState((before) => ({ rows, version: before.version + 1, first: answer, problem: undefined, isLoading: false }));
    }, fail);
    return () => {
      controller.abort();
      rows.close();
    };
  }, [key]);
  useEffect(() => {
    if (state.rows) applyCounts(state.rows, histogram, span, order);
  }, [histogram, state.rows]);
  return state;
}

/** A field's name that is nearly that of another is an error to the server; then all fields are asked for. */
function searchWith(fieldList: string): (query: SearchQuery, signal: AbortSignal, isOnlyIds?: boolean) => Promise<SearchAnswer> {
  let fields: string | undefined = fieldList;
  return async (query, signal, isOnlyIds = false) => {
    try {
      return await search({ ...query, fields: isOnlyIds ? "@timestamp" : fields }, signal);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== "bad_parameters" || fields === undefined) throw error;
      fields = undefined;
      return search(query, signal);
    }
  };
}

/** The chart's counts tell the list how long it is; those of another search do not. */
function applyCounts(rows: RowStore, histogram: Histogram | undefined, span: Span, order: Order): void {
  if (histogram?.span.query === span.query && histogram.span.from === span.from && histogram.span.to === span.to) {
    rows.learnCounts(histogram.total, anchorsOf(histogram, span, order));
  }
}

export interface HistogramState {
  histogram: Histogram | undefined;
  problem: ApiProblem | undefined;
  isLoading: boolean;
}

/** The chart of a search; `null` asks nothing. */
export function useHistogram(span: Span | null, split: Split): HistogramState {
  const [state, setState] = useState<HistogramState>({ histogram: undefined, problem: undefined, isLoading: true });
  const key = span && `${span.query}\n${span.from}\n${span.to}\n${split}`;
  useEffect(() => {
    if (!span) return undefined;
    const controller = new AbortController();
    const interval = chartInterval({ fromMs: Date.parse(span.from), toMs: Date.parse(span.to) });
    setState((before) => ({ ...before, isLoading: true }));
    loadHistogram(span, split, interval, controller.signal).then(
      (histogram) => {
        if (!controller.signal.aborted) setState({ histogram, problem: undefined, isLoading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAbort(error)) return;
        setState({ histogram: undefined, problem: asProblem(error), isLoading: false });
      },
    );
    return () => controller.abort();
  }, [key]);
  return state;
}
