// Which columns the table has, how wide they are, and which fields they need.

import { clockTime, date, dateTimeMillis } from "../format/instant";
import { latency } from "../format/duration";
import { bytes } from "../format/number";
import { valueText } from "../parts/visible_text";
import type { Row } from "./row_store";

/** The column that tells a record in one line; it is there unless the reader chose fields. */
export const RECORD = "record";

export const STANDARD_COLUMNS = ["source", RECORD];

const RECORD_FIELDS = [
  "source", "service", "status", "level", "method", "host", "path", "route", "request_time", "target_status", "error_reason", "controller",
  "api_method", "message", "user_email", "request_id", "trace_id",
];

/** Fields that every row needs: for its colour and its story. */
const ALWAYS = ["status", "level", "source", "route", "request_id", "trace_id"];

/** A narrow screen has no room for the source, which the record's look tells. */
export const NARROW_COLUMNS = [RECORD];

export function columnsOf(text: string | undefined, isNarrow = false): string[] {
  const names = (text ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
  return names.length > 0 ? names : isNarrow ? NARROW_COLUMNS : STANDARD_COLUMNS;
}

/** What to ask the server for. */
export function fieldsFor(columns: string[]): string {
  const wanted = columns.includes(RECORD) ? [...RECORD_FIELDS, ...columns] : [...ALWAYS, ...columns];
  return [...new Set(wanted)].filter((name) => name !== RECORD).join(",");
}

const SECONDS = new Set(["request_time", "upstream_time", "connection_time", "request_processing_time", "response_processing_time"]);
const SIZES = new Set(["bytes_in", "bytes_out"]);

export function isNumeric(column: string): boolean {
  return SECONDS.has(column) || SIZES.has(column) || column === "status" || column === "target_status";
}

/** A field's value in a table. */
export function cellText(column: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && SECONDS.has(column)) return latency(value);
  if (typeof value === "number" && SIZES.has(column)) return bytes(value);
  return valueText(value);
}

/** The widths as a grid's template: by what is in the first rows, the last takes the rest. */
export function templateOf(columns: string[], rows: (Row | undefined)[], isNarrow: boolean): string {
  const widths = columns.map((column, index) => {
    if (column === RECORD) return "minmax(320px, 1fr)";
    const lengths = rows.map((row) => cellText(column, row?.fields[column]).length);
    const widest = Math.min(42, Math.max(column.length + 4, ...lengths, 4));
    const pixels = Math.round(widest * 7.3 + 16);
    return index === columns.length - 1 ? `minmax(${pixels}px, 1fr)` : `${pixels}px`;
  });
  return [isNarrow ? "122px" : "186px", ...widths].join(" ");
}

/** The time of a row; a narrow screen has no room for the year and the milliseconds. */
export function timeText(row: Row, zone: string, isNarrow: boolean): string {
  return isNarrow ? `${date(row.timeMs, zone).slice(5)} ${clockTime(row.timeMs, zone)}` : dateTimeMillis(row.timeMs, zone);
}
