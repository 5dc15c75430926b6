// What is left of a budget, as a bar from full to overspent, with the numbers in words beside it.

import { percent, whole } from "../format/number";
import { objectivesText } from "../text";
import { requestsLeft } from "./budget_history";
import type { SlaStatus } from "./shapes";

const words = objectivesText;

export function BudgetBar({ row }: { row: SlaStatus }) {
  const { allowed, spent, left_share: left } = row.budget;
  if (left === null) return <span class="quiet">{words.noTraffic}</span>;
  const count = requestsLeft(allowed, spent);
  return (
    <>
      <span class="budget-line">
        <span class={`budget-bar ${left < 0 ? "is-over" : left < 0.25 ? "is-low" : ""}`} aria-hidden="true">
          <i style={{ width: `${100 * Math.max(0, Math.min(1, left))}%` }} />
        </span>
        <b class={left < 0 ? "is-bad" : ""}>{percent(left, 2)}</b>
      </span>
      <small class="hint cell-more">{count >= 0 ? words.left(whole(count)) : words.over(whole(-count))}</small>
    </>
  );
}
