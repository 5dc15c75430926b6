// The line in which a query is typed: suggestions below it, and the place of an error in it.

import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiProblem } from "../api/client";
import type { FieldRow, Span } from "../api/records";
import { Foreign } from "../parts/foreign";
import { searchText } from "../text";
import { useHistory } from "./history";
import { fieldName } from "./query_text";
import { type Suggestion, useSuggestions } from "./suggestions";

export interface QueryBarProps {
  query: string;
  span: Span;
  fields: FieldRow[];
  problem: ApiProblem | undefined;
  run: (query: string) => void;
}

export const QUERY_INPUT = "query";

export function QueryBar({ query, span, fields, problem, run }: QueryBarProps) {
  const [text, setText] = useState(query);
  const [caret, setCaret] = useState(query.length);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const suggestions = useSuggestions(text, caret, isOpen, span, fields, useHistory());
  useEffect(() => setText(query), [query]);

  const close = () => {
    setOpen(false);
    setActive(-1);
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    close();
    run(text.trim());
  };
  const type = (field: HTMLInputElement) => {
    setText(field.value);
    setCaret(field.selectionStart ?? 0);
    setActive(-1);
    setOpen(true);
  };
  const clear = () => {
    setText("");
    run("");
    input.current?.focus();
  };
  const take = (suggestion: Suggestion) => {
    setText(suggestion.query);
    setActive(-1);
    setCaret(suggestion.caret);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(suggestion.caret, suggestion.caret);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = suggestions[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) setOpen(true);
      else setActive(turned(active, event.key === "ArrowDown" ? 1 : -1, suggestions.length));
    } else if (event.key === "Enter" && chosen && isOpen) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Tab" && isOpen && chosen) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (isOpen && suggestions.length > 0) close();
      else input.current?.blur();
    }
  };
  const isShown = isOpen && suggestions.length > 0;
  return (
    <form class="query-bar" role="search" onSubmit={submit}>
      <div class="query-field">
        <input
          ref={input} id={QUERY_INPUT} class="mono" type="text" role="combobox" autocomplete="off" autocapitalize="off" spellcheck={false}
          aria-label={searchText.query} aria-expanded={isShown} aria-controls="query-suggestions" aria-autocomplete="list"
          aria-activedescendant={isShown && active >= 0 ? `suggestion-${active}` : undefined} aria-invalid={problem !== undefined}
          aria-describedby={problem ? "query-problem" : undefined} placeholder={searchText.placeholder} value={text}
          onInput={(event) => type(event.currentTarget)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onClick={() => setOpen(true)} onBlur={close} onKeyDown={onKeyDown}
        />
        {text !== "" && (
          <button type="button" class="query-clear" aria-label={searchText.clear} title={searchText.clear} onClick={clear}>×</button>
        )}
        <SuggestionList suggestions={isShown ? suggestions : []} active={active} take={take} />
      </div>
      <button type="submit" class="button primary">{searchText.run}</button>
      {problem && <QueryProblem query={query} problem={problem} run={run} />}
    </form>
  );
}

function turned(active: number, step: number, count: number): number {
  if (count === 0) return -1;
  const next = active + step;
  return next >= count ? -1 : next < -1 ? count - 1 : next;
}

function SuggestionList({ suggestions, active, take }: { suggestions: Suggestion[]; active: number; take: (suggestion: Suggestion) => void }) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active]);
  return (
    <ul id="query-suggestions" class="suggestions" role="listbox" aria-label={searchText.suggestions} hidden={suggestions.length === 0} ref={list}>
      {suggestions.map((suggestion, index) => (
        <li
          key={suggestion.text} id={`suggestion-${index}`} role="option" aria-selected={index === active}
          onMouseDown={(event) => { event.preventDefault(); take(suggestion); }}
        >
          <Foreign text={suggestion.text} max={120} class="mono" />
          <small>{suggestion.note}</small>
        </li>
      ))}
    </ul>
  );
}

/** The query with its wrong place marked; columns are counted in characters, from 1. */
function QueryProblem({ query, problem, run }: { query: string; problem: ApiProblem; run: (query: string) => void }) {
  const characters = [...query];
  const [, meant] = /did you mean `([^`]+)`/.exec(problem.hint) ?? [];
  const [, written] = /`([^`]+)`/.exec(problem.error) ?? [];
  const at = problem.column === null ? -1 : Math.min(problem.column - 1, characters.length);
  return (
    <div class="query-problem" id="query-problem" role="alert">
      {at >= 0 && (
        <pre class="foreign">
          {characters.slice(0, at).join("")}
          <mark>{characters.slice(at, at + 1).join("") || " "}</mark>
          {characters.slice(at + 1).join("")}
        </pre>
      )}
      <p><strong>{problem.error}</strong>{at >= 0 && ` · ${searchText.atColumn(problem.column ?? 0)}`}{problem.hint && ` · ${problem.hint}`}</p>
      {meant && written && at >= 0 && (
        <button type="button" class="button" onClick={() => run(mended(characters, at, written, meant))}><Foreign text={searchText.did(meant)} max={100} /></button>
      )}
    </div>
  );
}

/** The query with what was meant in the place of what was written. */
function mended(characters: string[], at: number, written: string, meant: string): string {
  return characters.slice(0, at).join("") + characters.slice(at).join("").replace(written, () => fieldName(meant));
}
