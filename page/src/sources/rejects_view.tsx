// Lines that are no records, with the reason, and one of them opened: to look at its bytes, mend it, and read it again.

import { useEffect, useState } from "preact/hooks";

import { type ApiProblem, asProblem } from "../api/client";
import { bytes, whole } from "../format/number";
import { announce } from "../frame/announce";
import { navigate, useLocation } from "../frame/location";
import { may, useSession } from "../frame/session";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { sourcesText } from "../text";
import { RejectPanel } from "./reject_panel";
import { RejectTable } from "./reject_table";
import type { RejectRow, ReplayResult, SourcesAnswer } from "./shapes";
import { replay, useRejects } from "./use_sources";

const words = sourcesText.rejects;

export function RejectsView({ sources }: { sources: SourcesAnswer }) {
  const { params } = useLocation();
  const session = useSession();
  const { source = "", reason = "", reject } = params;
  const [round, setRound] = useState(0);
  const [said, setSaid] = useState("");
  const { rows, problem, isLoading, next, more } = useRejectPages(source, reason, round);
  const isAdmin = may(session, "admin");
  const replayed = (result: ReplayResult) => {
    const text = words.replayed(whole(result.replayed), whole(result.records), whole(result.still_rejected));
    setSaid(text);
    announce(text);
    setRound(round + 1);
  };
  return (
    <>
      <Filter sources={sources} source={source} reason={reason} />
      <div class="row-actions">
        {!isAdmin && <span class="hint">{words.forbidden}</span>}
        {isAdmin && rows.length > 0 && <ReplayAll source={source} reason={reason} count={rows.length} isMore={next !== null} done={replayed} />}
        <span class="said">{said}</span>
      </div>
      {problem && <ProblemBox problem={problem} />}
      {isLoading && rows.length === 0 && <Loading />}
      {!isLoading && !problem && rows.length === 0 && <Empty>{source || reason ? words.emptyFiltered : words.empty}</Empty>}
      {reject !== undefined && <RejectPanel key={reject} id={Number(reject)} mayReplay={isAdmin} replayed={replayed} />}
      {rows.length > 0 && <RejectTable rows={rows} opened={reject} />}
      {next !== null && (
        <p>
          <button type="button" class="button" onClick={more}>
            {words.more}
          </button>
        </p>
      )}
    </>
  );
}

/** The pages that were asked for so far as one list. */
function useRejectPages(source: string, reason: string, round: number) {
  const [after, setAfter] = useState(0);
  const [earlier, setEarlier] = useState<RejectRow[]>([]);
  useEffect(() => {
    setAfter(0);
    setEarlier([]);
  }, [source, reason, round]);
  const { answer, problem, isLoading } = useRejects({ source, reason, after }, round);
  const rows = [...earlier, ...(answer?.rejects ?? []).filter(({ id }) => id > (earlier[earlier.length - 1]?.id ?? 0))];
  const next = answer?.next ?? null;
  const more = () => {
    if (next === null) return;
    setEarlier(rows);
    setAfter(next);
  };
  return { rows, problem, isLoading, next, more };
}

function Filter({ sources, source, reason }: { sources: SourcesAnswer; source: string; reason: string }) {
  const of = sources.sources.filter(({ name }) => source === "" || name === source);
  const reasons = [...new Set(of.flatMap(({ rejected }) => Object.keys(rejected)))].sort();
  return (
    <div class="form-row">
      <Choice
        text={words.source}
        value={source}
        values={sources.sources.map(({ name }) => name)}
        onChange={(value) => navigate({ source: value || undefined, reject: undefined }, { replace: true })}
      />
      <Choice
        text={words.reason}
        value={reason}
        values={reasons}
        onChange={(value) => navigate({ reason: value || undefined, reject: undefined }, { replace: true })}
      />
      <span class="hint">{words.kept(whole(sources.rejects_kept), bytes(sources.rejects_kept_bytes))}</span>
    </div>
  );
}

function Choice({ text, value, values, onChange }: { text: string; value: string; values: string[]; onChange: (value: string) => void }) {
  return (
    <label>
      {text}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{words.any}</option>
        {values.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ReplayAllProps {
  source: string;
  reason: string;
  count: number;
  isMore: boolean;
  done: (result: ReplayResult) => void;
}

/** Of the chosen source and reason; asks once more, because each line is counted when it succeeds. */
function ReplayAll({ source, reason, count, isMore, done }: ReplayAllProps) {
  const [isAsked, setAsked] = useState(false);
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const run = () => {
    if (!isAsked) {
      setAsked(true);
      return;
    }
    setRunning(true);
    replay({ ...(source ? { source } : {}), ...(reason ? { reason } : {}) })
      .then(done, (error: unknown) => setProblem(asProblem(error)))
      .finally(() => {
        setRunning(false);
        setAsked(false);
      });
  };
  const counted = isMore ? words.atLeast(whole(count)) : whole(count);
  return (
    <>
      <button type="button" class={`button ${isAsked ? "primary" : ""}`} disabled={isRunning} onClick={run} onBlur={() => setAsked(false)}>
        {isAsked ? words.confirmAll(counted) : words.replayAll}
      </button>
      {problem && (
        <span class="problem-text" role="alert">
          {problem.error}
        </span>
      )}
    </>
  );
}
