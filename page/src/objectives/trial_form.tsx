// Another threshold or objective on history, before the file is changed: what was, and what would have been.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiProblem, asProblem, isAbort } from "../api/client";
import { announce } from "../frame/announce";
import { useZone } from "../frame/zone";
import { Empty, ProblemBox } from "../parts/states";
import { objectivesText } from "../text";
import { type Comparison, type Trial, isObjective, runTrial, thresholdText } from "./backtest";
import { TrialResult } from "./trial_result";

const words = objectivesText.trial;

/** A while after the last key, so that each letter is not a question. */
const PAUSE_MS = 500;

export function TrialForm({ name, isLatency, isOfMany }: { name: string; isLatency: boolean; isOfMany: boolean }) {
  const [trial, setTrial] = useState<Trial>({ sla: name, threshold: "", objective: "", from: "now-7d", to: "now" });
  const { comparison, problem, isRunning, run } = useTrial(trial);
  const set = (change: Partial<Trial>) => setTrial({ ...trial, ...change });
  const isWrong = !isObjective(trial.objective);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isWrong) run();
  };
  return (
    <section class="view-section">
      <div class="section-head"><h2>{words.title}</h2><p class="hint">{words.intro}</p></div>
      <form class="form-row" onSubmit={submit}>
        {isLatency && <TrialField text={words.threshold} hint={words.thresholdHint} value={trial.threshold} onChange={(threshold) => set({ threshold })} />}
        <TrialField text={words.objective} hint={words.asPromised} value={trial.objective} isWrong={isWrong} onChange={(objective) => set({ objective })} />
        <TrialField text={words.from} value={trial.from} onChange={(from) => set({ from })} />
        <TrialField text={words.to} value={trial.to} onChange={(to) => set({ to })} />
        <button type="submit" class="button primary" disabled={isRunning || isWrong}>{isRunning ? words.running : words.run}</button>
      </form>
      {isWrong && <p class="problem-text" role="alert">{words.wrongObjective}</p>}
      {problem && (problem.status === 404 ? <Empty>{words.missing}</Empty> : <ProblemBox problem={problem} retry={run} />)}
      {comparison && !problem && <div class={isRunning ? "is-renewed" : ""}><TrialResult comparison={comparison} name={name} isOfMany={isOfMany} /></div>}
    </section>
  );
}

interface TrialFieldProps {
  text: string;
  hint?: string;
  value: string;
  isWrong?: boolean;
  onChange: (value: string) => void;
}

function TrialField({ text, hint = "", value, isWrong = false, onChange }: TrialFieldProps) {
  return (
    <label>
      {text}
      <input class="mono" value={value} placeholder={hint} aria-invalid={isWrong} spellcheck={false} autocomplete="off" onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

/** Runs on demand, and from the first run on by itself when the trial changes. */
function useTrial(trial: Trial) {
  const { zone } = useZone();
  const [comparison, setComparison] = useState<Comparison>();
  const [problem, setProblem] = useState<ApiProblem>();
  const [isRunning, setRunning] = useState(false);
  const controller = useRef<AbortController | undefined>(undefined);
  const key = JSON.stringify(trial);
  const run = () => {
    controller.current?.abort();
    const own = new AbortController();
    controller.current = own;
    setRunning(true);
    runTrial({ ...trial, threshold: thresholdText(trial.threshold), objective: trial.objective.trim() }, zone, own.signal).then(
      (found) => {
        setComparison(found);
        setProblem(undefined);
        setRunning(false);
        announce(words.verdict);
      },
      (error: unknown) => {
        if (isAbort(error)) return;
        setProblem(asProblem(error));
        setRunning(false);
      },
    );
  };
  const latest = useRef(run);
  latest.current = run;
  const hasRun = comparison !== undefined;
  useEffect(() => {
    if (!hasRun || !isObjective(trial.objective)) return undefined;
    const timer = window.setTimeout(() => latest.current(), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [key]);
  useEffect(() => () => controller.current?.abort(), []);
  return { comparison, problem, isRunning, run };
}
