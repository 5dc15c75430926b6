// Where an alert stands: at its number, as in mails; at its labels where the server does not say the number, as of
// alerts that are pending or over.

import { addressOf } from "../frame/location";
import type { Labels } from "./shapes";
import { labelKey } from "./time_line";

export function alertAddress(labels: Labels, number: string | null): string {
  return number === null ? addressOf("alerts", { of: labelKey(labels) }) : addressOf("alerts", {}, number);
}

/** Which alert an address asks for; nothing where it asks for none. */
export type AlertChoice = { number: string } | { key: string };

export function chosenAlert(rest: string, params: Record<string, string>): AlertChoice | null {
  if (rest) return { number: rest };
  return params["of"] === undefined ? null : { key: params["of"] };
}

/** Whether these labels, with this number, are the ones asked for. */
export function isChosen(choice: AlertChoice, labels: Labels, number: string | null | undefined): boolean {
  return "number" in choice ? choice.number === number : choice.key === labelKey(labels);
}
