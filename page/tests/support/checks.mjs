// Checks that several views share.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** No violation of WCAG 2.2 AA, nor of what axe calls good practice. */
export async function assertAccessible(page) {
  // The policy forbids scripts of others in the page, and evaluation from outside is none.
  await page.evaluate(AXE);
  const found = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), RULES);
  const place = ({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary?.split("\n")[1]?.trim()})`;
  const lines = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(place).join(" | ")}`);
  assert.deepEqual(lines, []);
}

/** Nothing is wider than the screen but what scrolls by itself. */
export async function assertFits(page) {
  const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
  assert.ok(scroll <= client, `the page is ${scroll} wide on a screen of ${client}`);
}

/** `1,234 records` as a number. */
export function numberIn(text) {
  return Number(/[\d,]+/.exec(text ?? "")?.[0]?.replaceAll(",", ""));
}

/** Waits until what a function in the page returns is true. */
export function untilTrue(page, isTrue, argument) {
  return page.waitForFunction(isTrue, argument, { timeout: 60_000 });
}
