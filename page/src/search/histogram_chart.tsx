// The chart above the records: how many when, by status and level or by a field. A brush chooses the time, a name its
// records.

import { TimeChart } from "../charts/time_chart";
import type { Span } from "../api/records";
import { whole } from "../format/number";
import { setTimeRangeMs } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { searchText } from "../text";
import { includeTerm } from "./conditions";
import { type Split, splitTerm } from "./histogram";
import type { HistogramState } from "./use_search";

const HEIGHT_PX = 128;

export function HistogramChart({ state, span, split }: { state: HistogramState; span: Span; split: Split }) {
  const { zone } = useZone();
  const { histogram } = state;
  const fromMs = Date.parse(span.from);
  const toMs = Date.parse(span.to);
  const completeTo = histogram?.answer.complete_to;
  const onName = (name: string) => {
    const term = splitTerm(split, name);
    if (term) includeTerm(term);
  };
  return (
    <div class={`histogram ${state.isLoading ? "is-stale" : ""}`}>
      <TimeChart
        kind="bars" times={histogram?.times ?? []} series={histogram?.series ?? []} stepMs={histogram?.stepMs ?? 60_000} fromMs={fromMs} toMs={toMs}
        zone={zone} height={HEIGHT_PX} format={shortCount} label={searchText.histogram} completeToMs={completeTo ? Date.parse(completeTo) : null}
        onBrush={setTimeRangeMs} onPick={(from, to) => setTimeRangeMs(from, to)} onName={onName} nameTitle={searchText.onlyThese}
      />
    </div>
  );
}

function shortCount(count: number): string {
  return Number.isInteger(count) ? whole(count) : "";
}
