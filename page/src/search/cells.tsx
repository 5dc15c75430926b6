// What stands in a row of the table.

import { latency } from "../format/duration";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { whole } from "../format/number";
import { RECORD, cellText } from "./columns";
import type { Row } from "./row_store";
import { severityOf } from "./severity";
import { lineCount } from "./stack_trace";

const CELL_MAX = 300;

export function Cell({ column, row }: { column: string; row: Row }) {
  if (column === RECORD) return <RecordCell row={row} />;
  const value = row.fields[column];
  if (column === "status" && value !== undefined && value !== null) return <StatusMark status={value} level={row.fields["level"]} />;
  return <Foreign text={cellText(column, value)} max={CELL_MAX} />;
}

function StatusMark({ status, level }: { status: unknown; level: unknown }) {
  return <span class={`status is-${severityOf(status, level)}`}>{valueText(status)}</span>;
}

/** A record in one line: a request as its log would have it, an event by its message. */
export function RecordCell({ row: { fields } }: { row: Row }) {
  const isRequest = fields["status"] !== undefined && fields["method"] !== undefined;
  return isRequest ? <RequestLine fields={fields} /> : <EventLine fields={fields} />;
}

function RequestLine({ fields }: { fields: Row["fields"] }) {
  return (
    <>
      <StatusMark status={fields["status"]} level={undefined} />
      <b class="verb"><Foreign text={valueText(fields["method"])} max={12} /></b>
      <Foreign text={valueText(fields["path"])} max={CELL_MAX} class="path" />
      {typeof fields["request_time"] === "number" && <span class="took">{latency(fields["request_time"])}</span>}
      <Foreign text={valueText(fields["host"])} max={80} class="muted" />
      {fields["error_reason"] !== undefined && <Foreign text={valueText(fields["error_reason"])} max={60} class="bad" />}
    </>
  );
}

function EventLine({ fields }: { fields: Row["fields"] }) {
  const message = valueText(fields["message"]);
  const end = message.indexOf("\n");
  const severity = severityOf(undefined, fields["level"]);
  return (
    <>
      <span class={`status is-${severity}`}>{severity === "other" ? "·" : severity}</span>
      {fields["controller"] !== undefined && <b class="verb"><Foreign text={valueText(fields["controller"])} max={40} /></b>}
      <Foreign text={end < 0 ? message : message.slice(0, end)} max={CELL_MAX} class="path" />
      {end >= 0 && <span class="tag">{message.endsWith("…") ? "▸" : `▸ ${searchText.lines(whole(lineCount(message)))}`}</span>}
      {fields["user_email"] !== undefined && <Foreign text={valueText(fields["user_email"])} max={80} class="muted" />}
    </>
  );
}
