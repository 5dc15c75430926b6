// Up to when one source is complete. What the server says of an answer is about all sources: a silent one that has
// nothing to do with a route would make all that is known about it doubtful.

import { getJson } from "../api/client";
import { useAnswer } from "../api/use_answer";
import type { SourcesAnswer } from "./shapes";

/** `ofAll` where no source is named; `undefined` until it is known. */
export function useCompleteTo(source: string | undefined, ofAll: string | null | undefined, key: string): string | null | undefined {
  const { answer } = useAnswer(source ? `complete ${source} ${key}` : null, (signal) => getJson<SourcesAnswer>("api/sources", {}, signal));
  if (!source) return ofAll;
  if (!answer) return undefined;
  return answer.sources.find(({ name }) => name === source)?.complete_to ?? null;
}
