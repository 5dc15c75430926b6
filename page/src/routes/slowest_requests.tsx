// The slowest requests themselves, each with the way to its story.

import { latency } from "../format/duration";
import { clockTime, dateTime } from "../format/instant";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { ProblemBox } from "../parts/states";
import { routeText } from "../text";
import { both } from "./route_query";
import type { Hit } from "./shapes";
import { useSlowest } from "./use_route";
import type { MinuteSpan } from "./whole_minutes";

const words = routeText;

export function SlowestRequests({ span, records, count }: { span: MinuteSpan; records: string; count: number }) {
  const { answer, problem } = useSlowest(span, records, count);
  return (
    <section class="view-section">
      <div class="section-head">
        <h2>{words.slowest}</h2>
        {answer && answer.least > 0 && (
          <a href={addressOf("search", { query: both(records, `request_time:>=${answer.least}`), from: span.from, to: span.to })}>
            {words.slowRecords(latency(answer.least))}
          </a>
        )}
      </div>
      {problem && <ProblemBox problem={problem} />}
      <div class="table-place" role="region" aria-label={words.slowest} tabIndex={0}>
        <table class="data">
          <thead>
            <tr>
              <th scope="col">{words.time}</th>
              <th scope="col" class="number">
                {words.duration}
              </th>
              <th scope="col">{words.status}</th>
              <th scope="col">{words.path}</th>
              <th scope="col">{words.example}</th>
            </tr>
          </thead>
          <tbody>
            {answer?.hits.map((hit) => (
              <Slow key={hit._id} hit={hit} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Slow({ hit }: { hit: Hit }) {
  const { zone } = useZone();
  const at = Date.parse(hit["@timestamp"]);
  const status = Number(hit["status"]);
  return (
    <tr>
      <th scope="row" title={dateTime(at, zone)}>
        {clockTime(at, zone)}
      </th>
      <td class="number">{latency(Number(hit["request_time"]))}</td>
      <td class={status >= 500 ? "is-bad" : ""}>{String(hit["status"] ?? "–")}</td>
      <td>
        <Foreign text={String(hit["path"] ?? "")} />
      </td>
      <td>
        <StoryLink hit={hit} />
      </td>
    </tr>
  );
}

/** To everything with the request's id; nothing where it has none. */
export function StoryLink({ hit }: { hit: Hit }) {
  const { request_id, trace_id } = hit;
  if (typeof request_id === "string" && request_id) return <a href={addressOf("story", { request_id })}>{words.example}</a>;
  if (typeof trace_id === "string" && trace_id) return <a href={addressOf("story", { trace_id })}>{words.example}</a>;
  return <span class="quiet">–</span>;
}
