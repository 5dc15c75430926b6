// Changes of alerts as a table, the youngest first.

import { dateTime } from "../format/instant";
import { whole } from "../format/number";
import { useZone } from "../frame/zone";
import { Badge, alertTone } from "../parts/badge";
import { Empty } from "../parts/states";
import { alertsText } from "../text";
import { AlertName, LabelList } from "./label_list";
import type { Change } from "./time_line";

const words = alertsText;
const CHANGES_SHOWN = 200;

/** With `hasNames`, which alert each change is of. */
export function ChangeTable({ changes, hasNames = false }: { changes: readonly Change[]; hasNames?: boolean }) {
  const { zone } = useZone();
  if (changes.length === 0) return <Empty>{words.historyEmpty}</Empty>;
  return (
    <div class="table-place" role="region" aria-label={words.changes} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.change.at}</th>
            {hasNames && <th scope="col">{words.what}</th>}
            <th scope="col" class="wide-only">
              {words.change.from}
            </th>
            <th scope="col">{words.change.to}</th>
            <th scope="col" class="number">
              {words.change.numbers}
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.slice(0, CHANGES_SHOWN).map((change, index) => (
            <tr key={`${change.at} ${index}`}>
              <th scope="row" class="top">
                {dateTime(Date.parse(change.at), zone)}
              </th>
              {hasNames && (
                <td>
                  <AlertName labels={change.labels} />
                  <LabelList labels={change.labels} />
                </td>
              )}
              <td class="top wide-only quiet">{words.state[change.from] ?? words.inactive}</td>
              <td class="top">
                <Badge tone={alertTone(change.to)} text={words.state[change.to] ?? words.inactive} />
                {change.is_history && <small class="hint cell-more">{words.foundLate}</small>}
              </td>
              <td class="number top">{change.total > 0 ? words.ofTotal(whole(change.bad), whole(change.total)) : whole(change.bad)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
