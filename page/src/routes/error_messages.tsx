// Why requests of the route failed, in the words of the applications behind it: from the failing route to the stack
// trace and the user in one step.

import { clockTime, dateTime, rfc3339 } from "../format/instant";
import { whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { routeText } from "../text";
import type { MessageGroup } from "./messages";
import { StoryLink } from "./slowest_requests";
import { type Failures, useFailures } from "./use_route";
import type { MinuteSpan } from "./whole_minutes";

const words = routeText;
const GROUPS_SHOWN = 12;
const AROUND_MS = 60_000;

export function ErrorMessages({ span, records }: { span: MinuteSpan; records: string }) {
  const { answer, problem, isLoading } = useFailures(span, records);
  return (
    <section class="view-section">
      <div class="section-head">
        <h2>{words.errors}</h2>
        <p class="hint">{words.errorsHint}{answer && answer.total > answer.failed.length ? ` ${words.errorsSampled(whole(answer.failed.length), whole(answer.total))}` : ""}</p>
      </div>
      {problem && <ProblemBox problem={problem} />}
      {isLoading && !answer && <Loading />}
      {answer && <Messages {...answer} />}
    </section>
  );
}

function Messages({ failed, groups }: Failures) {
  if (failed.length === 0) return <Empty>{words.noErrors}</Empty>;
  if (groups.length === 0) return <Empty>{words.noMessages}</Empty>;
  return (
    <div class="table-place" role="region" aria-label={words.errors} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.message}</th><th scope="col" class="number">{words.messages}</th><th scope="col" class="number wide-only">{words.users}</th>
            <th scope="col" class="wide-only">{words.lastSeen}</th><th scope="col">{words.example}</th>
          </tr>
        </thead>
        <tbody>{groups.slice(0, GROUPS_SHOWN).map((group) => <Message key={group.template} group={group} />)}</tbody>
      </table>
    </div>
  );
}

function Message({ group: { template, count, users, latest } }: { group: MessageGroup }) {
  const { zone } = useZone();
  const at = Date.parse(latest["@timestamp"]);
  const around = { query: `request_id:"${String(latest["request_id"] ?? "")}"`, from: rfc3339(at - AROUND_MS), to: rfc3339(at + AROUND_MS) };
  return (
    <tr>
      <th scope="row" class="message-text"><a href={addressOf("search", around)}><Foreign text={template} /></a></th>
      <td class="number">{whole(count)}</td>
      <td class="number wide-only">{users > 0 ? whole(users) : "–"}</td>
      <td class="wide-only" title={dateTime(at, zone)}>{clockTime(at, zone)}</td>
      <td><StoryLink hit={latest} /></td>
    </tr>
  );
}
