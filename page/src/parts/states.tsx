// What a view shows when it has nothing to show yet, or something else than the whole: the same words and looks in all.

import type { ComponentChildren } from "preact";

import type { ApiProblem } from "../api/client";
import { span } from "../format/duration";
import { dateTime } from "../format/instant";
import { refresh } from "../frame/time_range";
import { useZone } from "../frame/zone";
import { frameText } from "../text";

const words = frameText.states;

export function Loading() {
  return <div class="state loading" role="status">{words.loading}</div>;
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="state">{children}</div>;
}

export function ProblemBox({ problem, retry = refresh }: { problem: ApiProblem; retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p><strong>{problem.error}</strong></p>
      {problem.hint && <p>{problem.hint}</p>}
      <button type="button" class="button" onClick={retry}>{words.retry}</button>
    </div>
  );
}

/** What the server wants known about its answer. */
export function Warnings({ warnings, isPartial = false }: { warnings: string[] | undefined; isPartial?: boolean | undefined }) {
  if (!warnings?.length && !isPartial) return null;
  return (
    <ul class={`warnings ${isPartial ? "is-partial" : ""}`} aria-label={words.warnings}>
      {isPartial && <li><strong>{words.partial}</strong></li>}
      {warnings?.map((warning) => <li key={warning}>{warning}</li>)}
    </ul>
  );
}

/** How far behind it may be before it is worth a colour: a load balancer delivers its log within a quarter of an hour. */
const BEHIND_MS = 1_200_000;

/** Up to when the answer is complete; never left out, because "no data" is never "fine". */
export function Completeness({ completeTo, toMs }: { completeTo: string | null | undefined; toMs: number }) {
  const { zone } = useZone();
  if (completeTo === undefined) return null;
  if (completeTo === null) return <span class="completeness is-behind">{words.notKnownComplete}</span>;
  const ms = Date.parse(completeTo);
  const behindMs = Math.min(toMs, Date.now()) - ms;
  const isBehind = behindMs > BEHIND_MS;
  return (
    <span class={`completeness ${isBehind ? "is-behind" : ""}`} title={words.completeToHint}>
      {words.completeTo(dateTime(ms, zone))}
      {behindMs > 60_000 && ` · ${words.behind(span(behindMs))}`}
    </span>
  );
}
