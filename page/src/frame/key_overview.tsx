// `?`: all keys that work here, from the same list that makes them work.

import { useEffect, useRef } from "preact/hooks";

import { frameText } from "../text";
import { allKeys } from "./keyboard";
import { useStored } from "./stored";

const words = frameText.keys;

export function KeyOverview({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [single, setSingle] = useStored("single_keys", "on");
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="key-overview" aria-label={words.title} onClose={close}>
      <header>
        <h2>{words.title}</h2>
        <button type="button" class="button" onClick={() => dialog.current?.close()}>{words.close}</button>
      </header>
      <div class="key-groups">
        {allKeys().map(({ title, bindings }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {bindings.map(({ keys, text }) => (
                <div key={keys}>
                  <dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input type="checkbox" checked={single !== "off"} onChange={(event) => setSingle(event.currentTarget.checked ? "on" : "off")} />
        {words.singleKeys}
      </label>
      <p class="hint">{words.singleKeysHint}</p>
    </dialog>
  );
}
