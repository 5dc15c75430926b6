// Silences: which there are, a new one, and the end of one. A silence says who made it and why, or it is not made.

import { useState } from "preact/hooks";

import { type ApiProblem, asProblem } from "../api/client";
import { announce } from "../frame/announce";
import { dateMinute } from "../format/instant";
import { span } from "../format/duration";
import { navigate, useLocation } from "../frame/location";
import { may, useSession } from "../frame/session";
import { useZone } from "../frame/zone";
import { Badge } from "../parts/badge";
import { Foreign } from "../parts/foreign";
import { Empty, Loading, ProblemBox } from "../parts/states";
import { alertsText } from "../text";
import { matcherText } from "./matchers";
import type { Silence } from "./shapes";
import { SilenceForm } from "./silence_form";
import { type KnownAlert, expireSilence, useSilences } from "./use_alerts";

const words = alertsText.silences;
const STATES = ["active", "pending", "expired"];

export function SilencesView({ alerts }: { alerts: KnownAlert[] }) {
  const { params } = useLocation();
  const session = useSession();
  const [round, setRound] = useState(0);
  const [isAsked, setAsked] = useState(params["matchers"] !== undefined);
  const [said, setSaid] = useState("");
  const { answer, problem, isLoading } = useSilences(round);
  const changed = (text: string) => {
    setSaid(text);
    announce(text);
    setAsked(false);
    setRound(round + 1);
    navigate({ matchers: undefined }, { replace: true });
  };
  return (
    <>
      <div class="row-actions">
        {may(session, "admin") ? (
          <button type="button" class="button" aria-expanded={isAsked} onClick={() => setAsked(!isAsked)}>
            {words.add}
          </button>
        ) : (
          <p class="hint">{words.forbidden}</p>
        )}
        <span class="said">{said}</span>
      </div>
      {isAsked && <SilenceForm initial={params["matchers"] ?? ""} alerts={alerts} made={() => changed(words.made)} cancel={() => setAsked(false)} />}
      {problem && <ProblemBox problem={problem} />}
      {isLoading && !answer && <Loading />}
      {answer?.length === 0 && <Empty>{words.empty}</Empty>}
      {answer && answer.length > 0 && <SilenceTable silences={answer} mayEnd={may(session, "admin")} ended={() => changed(words.ended)} />}
    </>
  );
}

interface SilenceTableProps {
  silences: Silence[];
  mayEnd: boolean;
  ended: () => void;
}

function SilenceTable({ silences, mayEnd, ended }: SilenceTableProps) {
  const order = (silence: Silence) => STATES.indexOf(silence.status.state);
  const sorted = [...silences].sort((one, other) => order(one) - order(other) || Date.parse(other.endsAt) - Date.parse(one.endsAt));
  return (
    <div class="table-place" role="region" aria-label={alertsText.tabs.silences} tabIndex={0}>
      <table class="data">
        <thead>
          <tr>
            <th scope="col">{words.matchers}</th>
            <th scope="col">{words.state}</th>
            <th scope="col">{words.until}</th>
            <th scope="col" class="wide-only">
              {words.comment}
            </th>
            <th scope="col" class="wide-only">
              {words.by}
            </th>
            <th scope="col">
              <span class="only-read-aloud">{words.expire}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((silence) => (
            <SilenceRow key={silence.id} silence={silence} mayEnd={mayEnd} ended={ended} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SilenceRow({ silence, mayEnd, ended }: { silence: Silence; mayEnd: boolean; ended: () => void }) {
  const { zone } = useZone();
  const { state } = silence.status;
  const isOver = state === "expired";
  const endsAt = Date.parse(silence.endsAt);
  const matchers = silence.matchers.map(matcherText).join(", ");
  return (
    <tr class={isOver ? "quiet" : ""}>
      <th scope="row" class="silence-matchers mono">
        <Foreign text={matchers} />
      </th>
      <td>
        <Badge tone={isOver ? "quiet" : "warn"} text={words.states[state] ?? state} />
      </td>
      <td>
        {dateMinute(endsAt, zone)}
        {!isOver && <small class="hint cell-more">{words.in(span(endsAt - Date.now()))}</small>}
      </td>
      <td class="wide-only">
        <Foreign text={silence.comment} />
      </td>
      <td class="wide-only">
        <Foreign text={silence.createdBy} />
      </td>
      <td>{!isOver && mayEnd && <EndButton id={silence.id} of={matchers} ended={ended} />}</td>
    </tr>
  );
}

/** Asks once more, in place: the other alerts of the night would be loud again. */
function EndButton({ id, of, ended }: { id: string; of: string; ended: () => void }) {
  const [isAsked, setAsked] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const end = () => {
    if (!isAsked) {
      setAsked(true);
      return;
    }
    expireSilence(id).then(ended, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <>
      <button
        type="button"
        class={`button ${isAsked ? "bad" : ""}`}
        aria-label={isAsked ? words.confirm : words.expireOf(of)}
        onClick={end}
        onBlur={() => setAsked(false)}
      >
        {isAsked ? words.confirm : words.expire}
      </button>
      {problem && (
        <span class="problem-text" role="alert">
          {problem.error}
        </span>
      )}
    </>
  );
}
