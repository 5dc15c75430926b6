// Which zone times are shown in, always on screen, and the switch.

import { useState } from "preact/hooks";

import { offsetText } from "../format/instant";
import { frameText } from "../text";
import { Popover } from "./popover";
import { isZone, localZoneName, useZone } from "./zone";

const words = frameText.zone;

export function ZoneControl() {
  const { zone, choice, setZone } = useZone();
  const [other, setOther] = useState(choice === "UTC" || choice === "local" ? "" : choice);
  const label = zone === "UTC" ? "UTC" : `${zone.split("/").pop()?.replace(/_/g, " ")} ${offsetText(Date.now(), zone)}`;
  const isKnown = other === "" || isZone(other);
  return (
    <Popover label={label} title={words.button(zone)} buttonClass="button zone-button" align="right">
      {(close) => {
        const choose = (name: string) => {
          setZone(name);
          close();
        };
        return (
          <div class="zone-panel">
            <strong>{words.title}</strong>
            <button type="button" class="button wide" aria-pressed={choice === "UTC"} onClick={() => choose("UTC")}>{words.utc}</button>
            <button type="button" class="button wide" aria-pressed={choice === "local"} onClick={() => choose("local")}>
              {words.local(localZoneName())}
            </button>
            <form onSubmit={(event) => { event.preventDefault(); if (other && isKnown) choose(other); }}>
              <label>
                {words.other}
                <input
                  value={other} placeholder={words.placeholder} list="zone-names" spellcheck={false} aria-invalid={!isKnown}
                  onInput={(event) => setOther(event.currentTarget.value.trim())}
                />
              </label>
              <datalist id="zone-names">{zoneNames().map((name) => <option key={name} value={name} />)}</datalist>
              {!isKnown && <span class="problem-text" role="alert">{words.unknown}</span>}
            </form>
          </div>
        );
      }}
    </Popover>
  );
}

function zoneNames(): string[] {
  return typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
}
