// The list of rejects, the oldest first, as they came.

import { dateTime } from "../format/instant";
import { bytes, whole } from "../format/number";
import { navigate } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { sourcesText } from "../text";
import type { RejectRow } from "./shapes";

const words = sourcesText.rejects;

export function RejectTable({ rows, opened }: { rows: RejectRow[]; opened: string | undefined }) {
  return (
    <div class="table-place" role="region" aria-label={sourcesText.tabs.rejects} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.reason}</th><th scope="col" class="wide-only">{words.source}</th><th scope="col" class="wide-only">{words.received}</th>
            <th scope="col">{words.text}</th><th scope="col" class="wide-only">{words.where}</th><th scope="col" class="number wide-only">{words.bytes}</th>
          </tr>
        </thead>
        <tbody>{rows.map((row) => <Row key={row.id} row={row} isOpen={opened === String(row.id)} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ row, isOpen }: { row: RejectRow; isOpen: boolean }) {
  const { zone } = useZone();
  const open = () => navigate({ reject: isOpen ? undefined : String(row.id) }, { replace: true });
  return (
    <tr class={isOpen ? "is-open" : ""}>
      <th scope="row"><button type="button" class="disclosure" aria-expanded={isOpen} onClick={open}><b>{row.reason}</b></button></th>
      <td class="wide-only">{row.source}</td>
      <td class="wide-only moment-cell">{dateTime(Date.parse(row.received_at), zone)}</td>
      <td class="mono reject-preview"><Foreign text={row.preview} max={160} /></td>
      <td class="wide-only"><Foreign text={fileName(row.origin)} /> <span class="quiet">{place(row)}</span></td>
      <td class="number wide-only">{bytes(row.bytes)}</td>
    </tr>
  );
}

/** The line and the byte, or that it is all of it. */
export function place({ line, column }: RejectRow): string {
  return line === 0 ? words.whole : words.position(whole(line), whole(column));
}

function fileName(origin: string): string {
  return origin.split("/").pop() || origin;
}
