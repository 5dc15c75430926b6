// What a source's line has no room for: causes, load balancer nodes, what came late or twice.

import { dateTime } from "../format/instant";
import { whole } from "../format/number";
import { addressOf } from "../frame/location";
import { useZone } from "../frame/zone";
import { Badge } from "../parts/badge";
import { quoted } from "../routes/route_query";
import { sourcesText } from "../text";
import { byCause, sumOf } from "./account";
import type { Counts, SourceNode, SourceStatus } from "./shapes";

const words = sourcesText;

export function SourceDetails({ source }: { source: SourceStatus }) {
  const { zone } = useZone();
  const { facts } = words;
  const causes: [string, Counts][] = [
    [words.by.rejected, source.rejected],
    [words.by.dropped, source.dropped],
    [words.by.failed, source.failed],
    [words.by.given_up, source.given_up],
    [words.by.skipped, source.skipped],
  ];
  const published = source.first_unpublished;
  return (
    <div class="source-details">
      <dl class="details-facts">
        <Fact name={facts.late} hint={facts.lateHint} count={source.late} />
        <Fact name={facts.implausible} count={source.implausible} />
        <Fact name={facts.objects} count={source.objects} />
        <Fact name={facts.duplicates} count={source.duplicates} />
        <Fact name={facts.replayed} count={source.replayed} />
        <Fact name={facts.rejectsNotKept} count={source.rejects_not_kept} />
        {source.datagrams && <Fact name={facts.datagrams} count={source.datagrams.read} />}
        {source.datagrams && <Fact name={facts.datagramsLost} count={sumOf(source.datagrams.dropped)} />}
        {published !== null && (
          <div>
            <dt>{facts.firstUnpublished}</dt>
            <dd>{dateTime(Date.parse(published), zone)}</dd>
          </div>
        )}
      </dl>
      {causes.map(([title, counts]) => (
        <Causes key={title} title={title} counts={counts} />
      ))}
      {source.nodes.length > 0 && <Nodes nodes={source.nodes} />}
      <p class="link-row">
        <a href={addressOf("search", { query: `source:${quoted(source.name)}` })}>{words.records}</a>
      </p>
    </div>
  );
}

function Fact({ name, hint, count }: { name: string; hint?: string; count: number }) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{whole(count)}</dd>
    </div>
  );
}

function Causes({ title, counts }: { title: string; counts: Counts }) {
  const causes = byCause(counts);
  if (causes.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul class="labels">
        {causes.map(([cause, count]) => (
          <li key={cause} class="label">
            {cause} <b>{whole(count)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Nodes({ nodes }: { nodes: SourceNode[] }) {
  const { zone } = useZone();
  return (
    <table class="plain">
      <caption>{words.nodes}</caption>
      <thead>
        <tr>
          <th scope="col">{words.node}</th>
          <th scope="col">{words.columns.liveness}</th>
          <th scope="col">{words.intervalEnd}</th>
          <th scope="col">{words.heardAt}</th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => (
          <tr key={node.node}>
            <th scope="row">{node.node}</th>
            <td>
              <Badge tone={node.is_silent ? "unknown" : "good"} text={node.is_silent ? words.silent : words.heard} />
            </td>
            <td>{dateTime(Date.parse(node.interval_end), zone)}</td>
            <td>{dateTime(Date.parse(node.heard_at), zone)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
