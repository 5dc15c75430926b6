// The line between the chart and the records: how many, up to when complete, how long it took, and what to know.

import type { SearchAnswer } from "../api/records";
import { percent, whole } from "../format/number";
import { useTimeRange } from "../frame/time_range";
import { Completeness, Warnings } from "../parts/states";
import { searchText } from "../text";
import type { HistogramState } from "./use_search";

export function ResultNotes({ state, first, isLoading }: { state: HistogramState; first: SearchAnswer | undefined; isLoading: boolean }) {
  const range = useTimeRange();
  const { histogram } = state;
  const answer = histogram?.answer;
  return (
    <>
      <p class={`result-notes ${isLoading ? "is-stale" : ""}`} aria-busy={isLoading}>
        <strong role="status">{histogram ? searchText.records(whole(histogram.total)) : searchText.counting}</strong>
        {answer && <span class="muted">{searchText.took(Math.max(answer.took_ms, first?.took_ms ?? 0))}</span>}
        {answer && !answer.is_exact && <span class="muted">{searchText.notExact(percent(answer.error_bound))}</span>}
        <Completeness completeTo={answer?.complete_to} toMs={range.toMs} />
      </p>
      {histogram && histogram.total > 0 && <Warnings warnings={answer?.warnings} isPartial={answer?.is_partial} />}
    </>
  );
}
