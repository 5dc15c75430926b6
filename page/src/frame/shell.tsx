// The frame around all views: where one is, which time, which zone, who one is.

import { useEffect, useState } from "preact/hooks";

import { frameText } from "../text";
import { KeyOverview } from "./key_overview";
import { listenForKeys, useKeys } from "./keyboard";
import { addressOf, goTo, useLocation } from "./location";
import { needsSignIn, signOut, useSession, wasSignedIn } from "./session";
import { SignIn } from "./sign_in";
import { refresh, useShift } from "./time_range";
import { TimeRangeControl } from "./time_range_control";
import { ENTRIES, VIEWS } from "./views";
import { ZoneControl } from "./zone_control";

export function Shell() {
  const session = useSession();
  useEffect(listenForKeys, []);
  if (!session && !wasSignedIn()) return null;
  return session && needsSignIn(session) ? <SignIn /> : <Frame />;
}

function Frame() {
  const { view, params } = useLocation();
  const [areKeysShown, showKeys] = useState(false);
  const shift = useShift();
  const to = (name: string) => addressOf(name, { from: params["from"], to: params["to"] });
  useKeys(frameText.keys.everywhere, [
    { keys: "?", text: frameText.keys.help, run: () => showKeys(true) },
    { keys: "g s", text: frameText.keys.search, run: () => goTo(to("search")) },
    { keys: "g r", text: frameText.keys.routes, run: () => goTo(to("routes")) },
    { keys: "g o", text: frameText.keys.objectives, run: () => goTo(to("objectives")) },
    { keys: "g a", text: frameText.keys.alerts, run: () => goTo(to("alerts")) },
    { keys: "g u", text: frameText.keys.sources, run: () => goTo(to("sources")) },
    { keys: "[", text: frameText.keys.earlier, run: shift.earlier },
    { keys: "]", text: frameText.keys.later, run: shift.later },
    { keys: "r", text: frameText.keys.refresh, run: refresh },
  ]);
  const found = Object.hasOwn(VIEWS, view) ? VIEWS[view] : undefined;
  const name = frameText.views[view] ?? view;
  useEffect(() => {
    document.title = `${name} · ${frameText.product}`;
  }, [name]);
  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={skip}>{frameText.skip}</a>
      <header class="bar">
        <a class="brand" href={to("search")} aria-label={frameText.product}>
          <img src="./assets/mark.svg" width="22" height="22" alt="" />
          <span>{frameText.product}</span>
        </a>
        <nav aria-label={frameText.navigation}>
          {ENTRIES.map((entry) => (
            <a key={entry} href={to(entry)} aria-current={found?.entry === entry ? "page" : undefined}>{frameText.views[entry]}</a>
          ))}
        </nav>
        <div class="bar-tools">
          <TimeRangeControl />
          <ZoneControl />
          <SignedIn />
          <button type="button" class="button icon key-button" title={`${frameText.keys.title}  ?`} aria-label={frameText.keys.button} onClick={() => showKeys(true)}>?</button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>{found ? <found.component key={view} /> : <Unknown name={view} />}</main>
      {areKeysShown && <KeyOverview close={() => showKeys(false)} />}
    </div>
  );
}

/** The address behind `#` is the view's, so the link moves the focus by itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function SignedIn() {
  const session = useSession();
  if (!session || session.name === null) return null;
  return (
    <button type="button" class="button" title={frameText.session.signedIn(session.name, session.roles.join(", "))} onClick={() => void signOut()}>
      {frameText.session.signOut}
    </button>
  );
}

function Unknown({ name }: { name: string }) {
  return (
    <div class="state">
      <h1>{frameText.unknownView(name)}</h1>
      <a class="button" href={addressOf("search")}>{frameText.goToSearch}</a>
    </div>
  );
}
