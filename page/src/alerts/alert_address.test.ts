import { expect, test } from "vitest";

import { parseHash } from "../frame/location";
import { alertAddress, chosenAlert, isChosen } from "./alert_address";

const labels = { alertname: "Slow & <b>", route: "/a?b=c&d" };

test("an alert is found at its number, and at its labels where it has none", () => {
  for (const number of ["0123456789abcdef", null]) {
    const { view, rest, params } = parseHash(alertAddress(labels, number));
    const choice = chosenAlert(rest, params);
    expect(view).toBe("alerts");
    expect(choice && isChosen(choice, labels, number)).toBe(true);
    expect(choice && isChosen(choice, { alertname: "Other" }, null)).toBe(false);
  }
});

test("an address without either asks for no alert", () => {
  expect(chosenAlert("", { tab: "history" })).toBeNull();
});
