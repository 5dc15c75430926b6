// A new silence: what it matches, for how long, why, and by whom; it shows which alerts of now are meant.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiProblem, asProblem } from "../api/client";
import { useSession } from "../frame/session";
import { useStored } from "../frame/stored";
import { alertsText } from "../text";
import { durationMs } from "./duration_text";
import { canBeEmpty, isMeant, parseMatchers } from "./matchers";
import { type KnownAlert, makeSilence } from "./use_alerts";

const words = alertsText.silences;

interface SilenceFormProps {
  initial: string;
  alerts: KnownAlert[];
  made: () => void;
  cancel: () => void;
}

export function SilenceForm({ initial, alerts, made, cancel }: SilenceFormProps) {
  const session = useSession();
  const [storedName, storeName] = useStored("silence_by", "");
  const [matchersText, setMatchers] = useState(initial);
  const [duration, setDuration] = useState("2h");
  const [comment, setComment] = useState("");
  const [name, setName] = useState(session?.name ?? storedName);
  const [isTried, setTried] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const first = useRef<HTMLTextAreaElement>(null);
  useEffect(() => first.current?.focus(), []);

  const { matchers, wrong } = parseMatchers(matchersText);
  const lastsMs = durationMs(duration);
  const mistake = mistakeIn({ wrong, isEmpty: canBeEmpty(matchers), lastsMs, comment, name });
  const meant = wrong === null ? alerts.filter((alert) => alert.state !== "resolved" && isMeant(alert.labels, matchers)).length : 0;
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (mistake || lastsMs === null) return;
    storeName(name.trim());
    makeSilence({ matchers, lastsMs, createdBy: name.trim(), comment: comment.trim() }).then(made, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <form class="silence-form" onSubmit={submit} aria-label={words.add}>
      <label>
        {words.matchers}
        <textarea ref={first} class="mono" spellcheck={false} value={matchersText} onInput={(event) => setMatchers(event.currentTarget.value)} />
      </label>
      <p class="hint">{words.matchersHint} · {words.affects(meant)}</p>
      <div class="form-row">
        <label>{words.duration}<input class="mono" value={duration} placeholder={words.durationHint} onInput={(event) => setDuration(event.currentTarget.value)} /></label>
        <label class="is-wide">{words.comment}<input value={comment} onInput={(event) => setComment(event.currentTarget.value)} /></label>
        <label>{words.by}<input value={name} readOnly={session?.name !== null && session?.name !== undefined} onInput={(event) => setName(event.currentTarget.value)} /></label>
      </div>
      <div class="row-actions">
        <button type="submit" class="button primary">{words.create}</button>
        <button type="button" class="button quiet" onClick={cancel}>{words.cancel}</button>
        <span class="problem-text" role="alert">{isTried ? mistake : ""}{problem ? problem.error : ""}</span>
      </div>
    </form>
  );
}

interface Typed {
  wrong: string | null;
  isEmpty: boolean;
  lastsMs: number | null;
  comment: string;
  name: string;
}

/** The first thing that is wrong, in words; empty where nothing is. */
function mistakeIn({ wrong, isEmpty, lastsMs, comment, name }: Typed): string {
  if (wrong !== null) return words.wrongMatcher(wrong);
  if (isEmpty) return words.noMatcher;
  if (lastsMs === null) return words.wrongDuration;
  if (comment.trim() === "") return words.noComment;
  return name.trim() === "" ? words.noName : "";
}
