// All fields of a record with their values, each to copy, to search by, and to make a column of.

import { useState } from "preact/hooks";

import type { Hit } from "../api/records";
import { whole } from "../format/number";
import { CopyButton } from "../parts/copy_button";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { cellText } from "./columns";
import { ValueActions } from "./value_actions";

/** Not searched by: the server made them. */
const OWN = new Set(["_id", "_line", "_raw", "@timestamp"]);

/** What is looked for first stands first; the rest in the record's own order, what the server made at the end. */
const FIRST = [
  "@timestamp", "source", "service", "level", "status", "method", "route", "path", "query", "request_time", "upstream_time", "error_reason",
  "user_email", "request_id", "trace_id", "host", "node",
];

function byWeight(left: string, right: string): number {
  return weight(left) - weight(right);
}

function weight(name: string): number {
  if (name.startsWith("_")) return FIRST.length + 1;
  return FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
}

export interface RecordFieldsProps {
  hit: Hit;
  columns: string[];
  toggleColumn?: ((name: string) => void) | undefined;
}

export function RecordFields({ hit, columns, toggleColumn }: RecordFieldsProps) {
  const names = Object.keys(hit).filter((name) => name !== "_raw" && !(name === "message" && typeof hit[name] === "string")).sort(byWeight);
  return (
    <table class="record-fields">
      <tbody>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row"><Foreign text={name} max={120} class="mono" /></th>
            <td><Value name={name} value={hit[name]} /></td>
            <td class="record-actions">
              {!OWN.has(name) && !isLong(hit[name]) && <ValueActions field={name} value={first(hit[name])} />}
              {toggleColumn && !OWN.has(name) && (
                <button
                  type="button" class="field-column" aria-pressed={columns.includes(name)} title={searchText.addColumn(name)}
                  aria-label={searchText.addColumn(name)} onClick={() => toggleColumn(name)}
                >
                  ▥
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const TERM_MAX = 1_000;
const SHOWN_MAX = 600;

function isLong(value: unknown): boolean {
  return valueText(value).length > TERM_MAX;
}

/** A list is searched by its elements. */
function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

function Value({ name, value }: { name: string; value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  const text = typeof value === "number" ? cellText(name, value) : valueText(value);
  const exact = valueText(value);
  return (
    <>
      <Foreign isBlock text={text} max={isWhole ? Infinity : SHOWN_MAX} class="mono" />
      {text !== exact && <small class="muted"> {exact}</small>}
      {text.length > SHOWN_MAX && !isWhole && (
        <span class="value-more">
          <button type="button" class="link-button" onClick={() => setWhole(true)}>{searchText.more(whole(text.length))}</button>
          <CopyButton class="link-button" text={() => exact} label={searchText.copyValue} />
        </span>
      )}
    </>
  );
}
