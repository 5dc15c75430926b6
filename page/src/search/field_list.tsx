// The fields that the records found have, and what is in them.

import { useState } from "preact/hooks";

import { type FieldRow, type Span, fields } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { compact, percent, whole } from "../format/number";
import { Foreign } from "../parts/foreign";
import { valueText } from "../parts/visible_text";
import { searchText } from "../text";
import { includeTerm } from "./conditions";
import { fieldName } from "./query_text";
import { ValueActions } from "./value_actions";

export interface FieldListProps {
  /** `undefined` until they are known. */
  rows: FieldRow[] | undefined;
  span: Span;
  columns: string[];
  toggleColumn: (name: string) => void;
  split: string;
  setSplit: (name: string) => void;
}

export function FieldList(props: FieldListProps) {
  const [filter, setFilter] = useState("");
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const toggle = (name: string) => {
    const next = new Set(opened);
    if (!next.delete(name)) next.add(name);
    setOpened(next);
  };
  const shown = props.rows?.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()) && name !== "@timestamp");
  return (
    <section class="field-list" aria-label={searchText.fields}>
      <h2>{searchText.fields}</h2>
      <input type="search" aria-label={searchText.filterFields} placeholder={searchText.filterFields} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
      {!shown && <p class="hint" role="status">…</p>}
      <ul>
        {shown?.map((row) => (
          <li key={row.name}>
            <div class="field-head">
              <button
                type="button" class="field-name" aria-expanded={opened.has(row.name)} title={searchText.fieldCount(whole(row.count), whole(row.distinct))}
                onClick={() => toggle(row.name)}
              >
                <Foreign text={row.name} max={80} class="mono" />
                <small>{compact(row.count)}</small>
              </button>
              <button
                type="button" class="field-column" aria-pressed={props.columns.includes(row.name)} title={searchText.addColumn(row.name)}
                aria-label={searchText.addColumn(row.name)} onClick={() => props.toggleColumn(row.name)}
              >
                ▥
              </button>
            </div>
            {opened.has(row.name) && <FieldValues {...props} row={row} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

const VALUES_FIRST = 10;
const VALUES_MORE = 200;

function FieldValues({ row, span, split, setSplit }: FieldListProps & { row: FieldRow }) {
  const [top, setTop] = useState(VALUES_FIRST);
  const { answer, problem, isLoading } = useAnswer(`${row.name} ${top} ${span.query} ${span.from} ${span.to}`, (signal) => fields({ ...span, field: row.name, top }, signal));
  const values = answer?.fields[0];
  return (
    <div class="field-values">
      {problem && <p class="problem-text" role="alert">{problem.error}</p>}
      {!answer && isLoading && <p class="hint" role="status">…</p>}
      {answer && !values && <p class="hint">{searchText.noValues}</p>}
      <ol>
        {values?.top.map(({ value, count }) => (
          <li key={valueText(value)}>
            <span class="field-bar" style={{ width: `${(count / Math.max(1, values.count)) * 100}%` }} />
            <Foreign text={valueText(value)} max={120} class="mono field-value" />
            <small title={percent(count / values.count)}>{compact(count)}</small>
            <ValueActions field={row.name} value={value} />
          </li>
        ))}
      </ol>
      <div class="field-more">
        {values && values.distinct > values.top.length && top === VALUES_FIRST && (
          <button type="button" class="link-button" onClick={() => setTop(VALUES_MORE)}>{searchText.allValues}</button>
        )}
        <button type="button" class="link-button" onClick={() => includeTerm(`${fieldName(row.name)}:*`)}>{searchText.hasField}</button>
        {row.kind !== "list" && (
          <button type="button" class="link-button" aria-pressed={split === row.name} onClick={() => setSplit(split === row.name ? "severity" : row.name)}>
            {searchText.splitHere}
          </button>
        )}
      </div>
    </div>
  );
}
