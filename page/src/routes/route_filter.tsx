// What the table is narrowed to, in the language of searches. With it, numbers come from records instead of minutes.

import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiProblem } from "../api/client";
import { useKeys } from "../frame/keyboard";
import { navigate } from "../frame/location";
import { routesText } from "../text";

const words = routesText.filter;

export function RouteFilter({ query, problem }: { query: string; problem: ApiProblem | undefined }) {
  const [text, setText] = useState(query);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(query), [query]);
  useKeys(routesText.title, [{ keys: "/", text: routesText.keys.filter, run: () => field.current?.focus() }]);
  const submit = (event: Event) => {
    event.preventDefault();
    navigate({ query: text.trim() || undefined });
  };
  const isWrong = problem?.column !== null && problem?.column !== undefined;
  return (
    <form class="route-filter" role="search" onSubmit={submit}>
      <label>
        <span class="only-read-aloud">{words.label}</span>
        <input
          ref={field} class="mono" value={text} placeholder={words.placeholder} spellcheck={false} autocomplete="off" title={words.label}
          aria-invalid={isWrong} onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button">{words.apply}</button>
      {query && <button type="button" class="button quiet" onClick={() => navigate({ query: undefined })}>{words.clear}</button>}
    </form>
  );
}
