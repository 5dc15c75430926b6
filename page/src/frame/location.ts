// Where the reader is: a view and its parameters, kept in the address behind `#`, so that every view can be shared,
// bookmarked and gone back to, and the server needs to know one address only.

import { useEffect, useState } from "preact/hooks";

export type Params = Record<string, string>;

export interface Location {
  /** The view's name: `search`, `routes`, ... */
  view: string;
  /** What follows the name in the path: `#/alerts/0123456789abcdef`. */
  rest: string;
  params: Params;
}

export interface NavigateOptions {
  /** No new entry in the history: for changes that `back` should not undo one by one. */
  replace?: boolean;
}

export const FIRST_VIEW = "search";

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Not URLSearchParams: there `+` is a space, and `now+5m` means something. */
export function parseHash(hash: string): Location {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#?\/?/, ""), "?");
  const [view = "", rest = ""] = splitOnce(path, "/");
  const params: Params = {};
  for (const pair of query.split("&")) {
    const [name = "", value = ""] = splitOnce(pair, "=");
    if (name) params[decoded(name)] = decoded(value);
  }
  return { view: decoded(view) || FIRST_VIEW, rest: decoded(rest), params };
}

function splitOnce(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + sign.length)];
}

/** Percent-encoded, but for what reads better as it is and means nothing behind `#`. */
export function encodeValue(text: string): string {
  return encodeURIComponent(text).replace(/%(3A|2F|2C|40)/g, (escape) => decodeURIComponent(escape));
}

/** The address of a view: `#/search?query=status:5xx`. Empty and undefined parameters are left out. */
export function addressOf(view: string, params: Record<string, string | undefined> = {}, rest = ""): string {
  const pairs = Object.entries(params)
    .filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeValue(value)}`);
  const path = rest ? `#/${view}/${encodeURIComponent(rest)}` : `#/${view}`;
  return pairs.length > 0 ? `${path}?${pairs.join("&")}` : path;
}

export function currentLocation(): Location {
  return parseHash(window.location.hash);
}

/** Goes to any address of ours. */
export function goTo(address: string, options: NavigateOptions = {}): void {
  if (address === window.location.hash) return;
  if (options.replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  window.dispatchEvent(new Event("weir:moved"));
}

/** Changes parameters of the view that is shown; `undefined` removes one. */
export function navigate(changes: Record<string, string | undefined>, options: NavigateOptions = {}): void {
  const { view, rest, params } = currentLocation();
  goTo(addressOf(view, { ...params, ...changes }, rest), options);
}

/** The place now; the component is drawn again when it changes. */
export function useLocation(): Location {
  const [location, setLocation] = useState(currentLocation);
  useEffect(() => {
    const update = () => setLocation(currentLocation());
    for (const name of MOVES) window.addEventListener(name, update);
    return () => {
      for (const name of MOVES) window.removeEventListener(name, update);
    };
  }, []);
  return location;
}

const MOVES = ["hashchange", "popstate", "weir:moved"];
