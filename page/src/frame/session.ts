// Who the reader is and what he may do.

import { useEffect, useState } from "preact/hooks";

import { ApiProblem, SIGN_IN_NEEDED, deleteAt, getJson, postJson } from "../api/client";
import { readStored, writeStored } from "./stored";

export interface Session {
  name: string | null;
  roles: string[];
  /** Nobody has to sign in. */
  is_open: boolean;
  version: string | null;
}

const OPEN: Session = { name: null, roles: ["read", "scrape", "push", "admin"], is_open: true, version: null };
const CHANGED = "weir:session";

let current: Session | undefined;

function set(session: Session): void {
  current = session;
  // So that the next visit need not wait for the answer before it asks for records.
  writeStored("was_signed_in", needsSignIn(session) ? "no" : "yes");
  window.dispatchEvent(new Event(CHANGED));
}

export async function loadSession(): Promise<void> {
  try {
    set(await getJson<Session>("api/session"));
  } catch (error) {
    // A server that cannot be reached says so in the view, which can try again.
    if (!(error instanceof ApiProblem && error.status === 401)) set(OPEN);
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  set(await postJson<Session>("api/session", { name, password }));
}

export async function signOut(): Promise<void> {
  await deleteAt("api/session");
  await loadSession();
}

/** Whether the frame may be shown before the session is known, because the last visit needed no form. */
export function wasSignedIn(): boolean {
  return readStored("was_signed_in") === "yes";
}

/** `undefined` until it is known. */
export function useSession(): Session | undefined {
  const [session, setSession] = useState(current);
  useEffect(() => {
    const update = () => setSession(current);
    const ended = () => {
      if (current?.is_open !== true) set({ name: null, roles: [], is_open: false, version: null });
    };
    window.addEventListener(CHANGED, update);
    window.addEventListener(SIGN_IN_NEEDED, ended);
    if (!current) void loadSession();
    return () => {
      window.removeEventListener(CHANGED, update);
      window.removeEventListener(SIGN_IN_NEEDED, ended);
    };
  }, []);
  return session;
}

export function may(session: Session | undefined, role: string): boolean {
  return session !== undefined && (session.is_open || session.roles.includes(role) || session.roles.includes("admin"));
}

export function needsSignIn(session: Session): boolean {
  return !session.is_open && session.name === null;
}
