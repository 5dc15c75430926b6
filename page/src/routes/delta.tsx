// A change beside a number: only where it is large, with a sign and words, and red only where more is worse.

import { routesText } from "../text";
import { type Change, changeText, isNotable } from "./period_change";

const words = routesText.change;

export function Delta({ change, isMoreWorse, span }: { change: Change; isMoreWorse?: boolean; span: string }) {
  if (!isNotable(change)) return null;
  const hint = routesText.hints.change(span);
  if (change.kind !== "changed") {
    return <span class="delta" title={hint}>{change.kind === "new" ? words.new : words.gone}</span>;
  }
  const isMore = change.factor > 1;
  const tone = isMoreWorse ? (isMore ? "is-worse" : "is-better") : "";
  return (
    <span class={`delta ${tone}`} title={hint}>
      <span aria-hidden="true">{isMore ? "▲" : "▼"}</span>
      {changeText(change.factor)}
    </span>
  );
}

/** The same as a cell of its own, also where nothing much changed. */
export function ChangeCell({ change, span }: { change: Change; span: string }) {
  if (isNotable(change)) return <Delta change={change} isMoreWorse span={span} />;
  return <span class="quiet">{change.kind === "changed" ? changeText(change.factor) : words.none}</span>;
}
