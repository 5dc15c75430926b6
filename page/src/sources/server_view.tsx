// How the server stands: room for series and on the disk, its version, and the config that is in force.

import type { ComponentChildren } from "preact";

import { span } from "../format/duration";
import { dateTime } from "../format/instant";
import { bytes, whole } from "../format/number";
import { useZone } from "../frame/zone";
import { Badge } from "../parts/badge";
import { Empty, Loading, ProblemBox, Warnings } from "../parts/states";
import { sourcesText } from "../text";
import { byCause } from "./account";
import { Gauge } from "./gauge";
import type { Counts, ServerStatus, SourcesAnswer } from "./shapes";
import { useServerStatus } from "./use_sources";

const words = sourcesText.server;

export function ServerView({ beat, sources }: { beat: string; sources: SourcesAnswer | undefined }) {
  const { answer, problem } = useServerStatus(beat);
  if (problem) return problem.status === 404 ? <Empty>{words.missing}</Empty> : <ProblemBox problem={problem} />;
  if (!answer) return <Loading />;
  return (
    <>
      <Facts status={answer} />
      <div class="two-columns">
        <Series series={answer.series} />
        <Disk status={answer} sources={sources} />
      </div>
      <section class="view-section">
        <div class="section-head"><h2>{words.config}</h2><p class="hint">{words.configHint}</p></div>
        {answer.config === null
          ? <p class="hint">{words.none}</p>
          : <pre class="config-text" role="region" tabIndex={0} aria-label={words.config}>{answer.config}</pre>}
      </section>
    </>
  );
}

function Facts({ status }: { status: ServerStatus }) {
  const { zone } = useZone();
  return (
    <dl class="facts server-facts">
      <Fact name={words.version}>{status.version}</Fact>
      <Fact name={words.writable}>
        <Badge tone={status.is_writable ? "good" : "bad"} text={status.is_writable ? words.isWritable : words.isNotWritable} />
      </Fact>
      <Fact name={words.uptime}>{span(status.uptime_seconds * 1000)}<small>{dateTime(Date.parse(status.started_at), zone)}</small></Fact>
      <Fact name={words.listen}>{status.listen}</Fact>
      <Fact name={words.external}>{status.external_url ?? words.none}</Fact>
      <Fact name={words.configFile}>{status.config_file ?? words.none}</Fact>
      <Fact name={words.data}>{status.data_dir}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Series({ series }: { series: ServerStatus["series"] }) {
  const overflows = byCause(series.overflows);
  return (
    <section class="view-section">
      <h2>{words.series}</h2>
      <Gauge label={words.series} share={series.max > 0 ? series.used / series.max : null} text={words.seriesUsed(whole(series.used), whole(series.max))} />
      {series.pushed_max !== null && series.pushed_max > 0 && (
        <Gauge label={words.pushed} share={series.pushed / series.pushed_max} text={`${words.pushed}: ${words.seriesUsed(whole(series.pushed), whole(series.pushed_max))}`} />
      )}
      <Families counts={series.by_family ?? {}} />
      {overflows.length === 0 && <p class="hint">{words.overflowNone}</p>}
      {overflows.map(([family, count]) => <p key={family}><span class="is-bad">{words.overflow}: {whole(count)}</span> <span class="hint">{family}</span></p>)}
    </section>
  );
}

/** The label sets of each family, the largest first. */
function Families({ counts }: { counts: Counts }) {
  return <ul class="labels">{byCause(counts).map(([family, count]) => <li key={family} class="label">{family} <b>{whole(count)}</b></li>)}</ul>;
}

function Disk({ status: { disk, records, retention_seconds: retention }, sources }: { status: ServerStatus; sources: SourcesAnswer | undefined }) {
  const { zone } = useZone();
  const moment = (text: string | null) => (text === null ? words.none : dateTime(Date.parse(text), zone));
  const used = disk.total_bytes && disk.free_bytes !== null ? 1 - disk.free_bytes / disk.total_bytes : null;
  const minimum = disk.free_bytes_min === null ? "" : ` · ${words.diskMin(bytes(disk.free_bytes_min))}`;
  return (
    <section class="view-section">
      <h2>{words.disk}</h2>
      <Warnings warnings={records.problems} isPartial={(records.problems?.length ?? 0) > 0} />
      <Gauge label={words.disk} share={used} text={`${words.diskFree(bytes(disk.free_bytes), bytes(disk.total_bytes))}${minimum}`} />
      <Gauge
        label={words.store} share={disk.store_bytes_max ? disk.store_bytes / disk.store_bytes_max : null}
        text={disk.store_bytes_max === null ? words.storeUnlimited(bytes(disk.store_bytes)) : words.storeOf(bytes(disk.store_bytes), bytes(disk.store_bytes_max))}
      />
      <dl class="details-facts">
        <Fact name={words.recordCount}>{whole(records.count)}</Fact>
        <Fact name={words.oldest}>{moment(records.oldest)}</Fact>
        <Fact name={words.newest}>{moment(records.newest)}</Fact>
        <Fact name={words.retention}>{retention === null ? words.unlimited : span(retention * 1000)}</Fact>
        <Fact name={words.ledger}>{bytes(disk.ledger_bytes)}</Fact>
        {sources && <Fact name={words.rejectsKept}>{`${whole(sources.rejects_kept)}, ${bytes(sources.rejects_kept_bytes)}`}</Fact>}
      </dl>
    </section>
  );
}

