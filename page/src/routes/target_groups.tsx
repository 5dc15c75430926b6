// The same route by who answered: one bad target among many hides in every mean. Where the log knows no target
// groups, as nginx's, the upstream servers take their place.

import { latency } from "../format/duration";
import { percent, whole } from "../format/number";
import { addressOf } from "../frame/location";
import { Foreign } from "../parts/foreign";
import { ProblemBox } from "../parts/states";
import { routeText } from "../text";
import { both, is } from "./route_query";
import { type GroupRow, useGroups } from "./use_route";
import type { MinuteSpan } from "./whole_minutes";

const words = routeText;

interface TargetsProps {
  span: MinuteSpan;
  records: string;
}

export function TargetGroups({ span, records }: TargetsProps) {
  const groups = useGroups(span, records, "target_group");
  const hasGroups = groups.answer?.rows.some((row) => row["target_group"] !== null) ?? true;
  return hasGroups ? (
    <Groups span={span} records={records} field="target_group" title={words.groups} column={words.group} groups={groups} />
  ) : (
    <Targets span={span} records={records} />
  );
}

function Targets({ span, records }: TargetsProps) {
  const groups = useGroups(span, records, "target");
  return <Groups span={span} records={records} field="target" title={words.targets} column={words.target} groups={groups} />;
}

interface GroupsProps extends TargetsProps {
  field: string;
  title: string;
  column: string;
  groups: ReturnType<typeof useGroups>;
}

function Groups({ span, records, field, title, column, groups: { answer, problem } }: GroupsProps) {
  const most = Math.max(1, ...(answer?.rows ?? []).map((row) => row.n));
  return (
    <section class="view-section">
      <div class="section-head">
        <h2>{title}</h2>
        {field === "target_group" && <p class="hint">{words.groupsHint}</p>}
      </div>
      {problem && <ProblemBox problem={problem} />}
      <div class="table-place" role="region" aria-label={title} tabIndex={0}>
        <table class="data">
          <thead>
            <tr>
              <th scope="col">{column}</th>
              <th scope="col" class="number">
                {words.count}
              </th>
              <th scope="col" class="number">
                {words.errorsColumn}
              </th>
              <th scope="col" class="number">
                p95
              </th>
            </tr>
          </thead>
          <tbody>
            {answer?.rows.map((row) => (
              <Group
                key={String(row[field])}
                row={row}
                field={field}
                failed={answer.failed.get(row[field]) ?? 0}
                most={most}
                span={span}
                records={records}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface GroupProps extends TargetsProps {
  row: GroupRow;
  field: string;
  failed: number;
  most: number;
}

function Group({ row, field, failed, most, span, records }: GroupProps) {
  const value = row[field];
  const query = both(records, is(field, typeof value === "string" ? value : ""));
  const open = (more: string) => addressOf("search", { query: both(query, more), from: span.from, to: span.to });
  return (
    <tr>
      <th scope="row">
        {typeof value === "string" ? (
          <span title={value}>
            <Foreign text={shortName(value)} />
          </span>
        ) : (
          <span class="quiet">{words.noGroup}</span>
        )}
      </th>
      <td class="number bar-cell">
        <i style={{ width: `${(100 * row.n) / most}%` }} />
        <span>
          <a href={open("")}>{whole(row.n)}</a>
        </span>
      </td>
      <td class={`number ${failed > 0 ? "is-bad" : "quiet"}`}>
        {failed > 0 ? (
          <a class="is-bad" href={open("status:>=500")}>
            {percent(failed / row.n, 2)}
          </a>
        ) : (
          "0 %"
        )}
      </td>
      <td class="number">{latency(row.p95)}</td>
    </tr>
  );
}

/** The name inside an ARN; anything else as it is. */
function shortName(value: string): string {
  return /:targetgroup\/([^/]+)\//.exec(value)?.[1] ?? value;
}
