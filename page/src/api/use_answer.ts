// A question and its answer inside a component: the answer before stays on screen while the next one is on its way, so
// that nothing jumps, and is marked as being renewed.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiProblem, asProblem, isAbort } from "./client";

export interface Answer<T> {
  /** The last answer, also while the next is on its way. */
  answer: T | undefined;
  problem: ApiProblem | undefined;
  isLoading: boolean;
}

/**
 * Asks when `key` changes; `null` asks nothing. The key must say everything that the answer depends on:
 *
 *     const { answer } = useAnswer(`routes ${from} ${to}`, (signal) => getJson<RoutesAnswer>("api/routes", { from, to }, signal));
 */
export function useAnswer<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [state, setState] = useState<Answer<T>>({ answer: undefined, problem: undefined, isLoading: key !== null });
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (key === null) {
      setState({ answer: undefined, problem: undefined, isLoading: false });
      return undefined;
    }
    const controller = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    latest.current(controller.signal).then(
      (answer) => {
        if (!controller.signal.aborted) setState({ answer, problem: undefined, isLoading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAbort(error)) return;
        setState((before) => ({ answer: before.answer, problem: asProblem(error), isLoading: false }));
      },
    );
    return () => controller.abort();
  }, [key]);
  return state;
}
