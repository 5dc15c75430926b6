// Searches that someone gave a name, for everyone who may read here. They stand above the fields, where they are seen.

import { useState } from "preact/hooks";

import { type ApiProblem, asProblem, deleteAt, getJson, putJson } from "../api/client";
import type { SavedSearch } from "../api/records";
import { useAnswer } from "../api/use_answer";
import { date } from "../format/instant";
import { announce } from "../frame/announce";
import { addressOf, currentLocation } from "../frame/location";
import { useZone } from "../frame/zone";
import { Foreign } from "../parts/foreign";
import { searchText } from "../text";

interface SavedSearches {
  searches: SavedSearch[];
}

export function SavedSearchList() {
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState<ApiProblem>();
  const { answer } = useAnswer(`saved ${version}`, (signal) => getJson<SavedSearches>("api/searches", {}, signal));
  const change = async (action: Promise<unknown>) => {
    try {
      await action;
      setProblem(undefined);
      announce(searchText.replaced);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setVersion((before) => before + 1);
  };
  const remove = (name: string) => void change(deleteAt(`api/searches/${encodeURIComponent(name)}`));
  const save = (name: string) => void change(putJson(`api/searches/${encodeURIComponent(name)}`, currentSearch()));
  return (
    <section class="saved" aria-label={searchText.saved}>
      <h2>{searchText.saved}</h2>
      {answer?.searches.length === 0 && <p class="hint">{searchText.noSaved}</p>}
      <ul>
        {answer?.searches.map((saved) => <SavedRow key={saved.name} saved={saved} remove={remove} />)}
      </ul>
      <SaveForm save={save} />
      {problem && <p class="problem-text" role="alert">{problem.error}</p>}
    </section>
  );
}

function currentSearch(): { query: string; from?: string; to?: string; columns?: string[] } {
  const { params } = currentLocation();
  const { from, to, columns } = params;
  return {
    query: params["query"] ?? "",
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    ...(columns ? { columns: columns.split(",") } : {}),
  };
}

function SavedRow({ saved, remove }: { saved: SavedSearch; remove: (name: string) => void }) {
  const { zone } = useZone();
  const address = addressOf("search", { query: saved.query, from: saved.from ?? undefined, to: saved.to ?? undefined, columns: saved.columns.join(",") });
  const removal = searchText.removeSaved(saved.name);
  const by = searchText.savedBy(saved.saved_by ?? "–", date(Date.parse(saved.saved_at), zone));
  return (
    <li>
      <a href={address} title={`${saved.query}\n${by}`}><Foreign text={saved.name} max={100} /></a>
      <button type="button" class="saved-remove" aria-label={removal} title={removal} onClick={() => remove(saved.name)}>×</button>
    </li>
  );
}

function SaveForm({ save }: { save: (name: string) => void }) {
  const [name, setName] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (name.trim() === "") return;
    save(name.trim());
    setName("");
  };
  return (
    <form class="save-form" onSubmit={submit}>
      <input
        aria-label={searchText.saveName} placeholder={searchText.save} maxLength={100} title={searchText.saveHint} value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      {name.trim() !== "" && <button type="submit" class="button">{searchText.save}</button>}
    </form>
  );
}
