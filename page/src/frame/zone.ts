// The zone in which times are shown and read. It is on screen all the time, because a time without its zone is the
// oldest trap of log viewers.

import { useStored } from "./stored";

/** `UTC`, `local`, or a name as `Europe/Berlin`. */
export type ZoneChoice = string;

export function localZoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** The name that the time functions take. */
export function zoneName(choice: ZoneChoice): string {
  return choice === "local" ? localZoneName() : choice;
}

const known = new Map<string, boolean>();

export function isZone(name: string): boolean {
  const isKnown = known.get(name) ?? isMade(name);
  known.set(name, isKnown);
  return isKnown;
}

function isMade(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The chosen zone's name, and how to choose another. */
export function useZone(): { zone: string; choice: ZoneChoice; setZone: (choice: ZoneChoice) => void } {
  const [stored, setZone] = useStored("zone", "UTC");
  const choice = isZone(zoneName(stored)) ? stored : "UTC";
  return { zone: zoneName(choice), choice, setZone };
}
