// The numbers of a route at a glance, each beside the one of the period before.

import { latency } from "../format/duration";
import { percent, rate, whole } from "../format/number";
import { addressOf } from "../frame/location";
import type { SlaStatus } from "../objectives/shapes";
import { Badge, slaTone } from "../parts/badge";
import { objectivesText, routeText } from "../text";
import { useTotals } from "./use_route";
import { useIsKnownBefore } from "./use_routes";
import type { TotalRow } from "./use_route";
import { type MinuteSpan, minutesBefore } from "./whole_minutes";

const words = routeText.numbers;

interface RouteNumbersProps {
  totals: TotalRow;
  failed: number;
  span: MinuteSpan;
  records: string;
  promise: SlaStatus | null;
}

export function RouteNumbers({ totals, failed, span, records, promise }: RouteNumbersProps) {
  const before = useTotals(minutesBefore(span), records).answer;
  const seconds = (span.toMs - span.fromMs) / 1000;
  const isKnownBefore = useIsKnownBefore(span);
  const old = isKnownBefore && before?.all && before.all.n > 0 ? before.all : null;
  const share = (bad: number, all: number) => (all > 0 ? bad / all : null);
  return (
    <dl class="facts">
      <Fact name={words.requests} value={whole(totals.n)} before={old && whole(old.n)} />
      <Fact name={words.rate} value={rate(totals.n / seconds)} before={old && rate(old.n / seconds)} />
      <Fact
        name={words.errors}
        value={percent(share(failed, totals.n), 2)}
        before={old && percent(share(before?.failed ?? 0, old.n), 2)}
        isBad={failed > 0 && failed / totals.n >= 0.01}
      />
      <Fact name={words.p50} value={latency(totals.p50)} before={old && latency(old.p50)} />
      <Fact name={words.p95} value={latency(totals.p95)} before={old && latency(old.p95)} />
      <Fact name={words.p99} value={latency(totals.p99)} before={old && latency(old.p99)} />
      <Fact name={words.max} value={latency(totals.longest)} before={old && latency(old.longest)} />
      {promise && (
        <div>
          <dt>{routeText.objectives}</dt>
          <dd>
            <a href={addressOf("objectives", { sla: promise.sla })} class="badge-link" title={promise.promise}>
              <Badge tone={slaTone(promise.state)} text={objectivesText.state[promise.state] ?? promise.state} />
            </a>
            <small>{promise.sla}</small>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Fact({ name, value, before, isBad = false }: { name: string; value: string; before: string | null | undefined; isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isBad ? "is-bad" : ""}>
        {value}
        {before && <small>{words.before(before)}</small>}
      </dd>
    </div>
  );
}
