// What the tests of routes, objectives, alerts and sources have in common: a shop, the built page on it, a browser, and
// the checks that hold on every view.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { launch, openPage } from "./browser.mjs";
import { servePage } from "./page_server.mjs";
import { startShop } from "./shop_scenario.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export const BINARY = process.env.WEIR_BINARY ?? fileURLToPath(new URL("../../../target/debug/weir", import.meta.url));

/** Starts everything; `close` ends it. */
export async function openShop(options = {}) {
  const shop = await startShop({ binary: BINARY, ...options });
  const served = await pageOf(shop.url);
  const browser = await launch();
  const api = async (path, body) => {
    const request = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${shop.url}/${path}`, request);
    return { status: response.status, json: response.ok ? await response.json() : null };
  };
  const close = async () => {
    await browser.close();
    served.close();
    await shop.stop();
  };
  return { shop, address: served.address, context: browser.context, api, close };
}

/** The page of weir itself where it has one, else the built one beside it. */
async function pageOf(weir) {
  const { headers } = await fetch(`${weir}/`, { headers: { accept: "text/html" } });
  const isServed = (headers.get("content-type") ?? "").startsWith("text/html") && process.env.PAGE !== "dist";
  return isServed ? { address: `${weir}/`, close: () => undefined } : servePage(weir);
}

/** A page at an address behind `#`, once its first answer is there. */
export async function visit({ context, address }, hash, options = {}) {
  const { page, complaints } = await openPage(context, options);
  await page.goto(`${address}${hash}`);
  await page.locator("main h1, main .state, main table").first().waitFor();
  return { page, complaints };
}

/** No violation of WCAG 2.2 AA in the view that a program can find; the frame around it has tests of its own. */
export async function assertAccessible(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((tags) => window.axe.run("#content", { runOnly: tags }), AXE_TAGS);
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary.replace(/\s+/g, " ").slice(0, 200)})`)
        .join(" | ")}`,
  );
  assert.deepEqual(told, []);
}

/** Nothing sticks out to the side at this width; tables may scroll in their own place. */
export async function assertFits(page) {
  const widths = await page.evaluate(() => {
    const content = document.querySelector("#content");
    return [document.documentElement.scrollWidth, window.innerWidth, content.scrollWidth, content.clientWidth];
  });
  assert.ok(widths[0] <= widths[1] && widths[2] <= widths[3], `wider than the window: ${widths}`);
}

/** Text of strangers did nothing, and the browser has nothing to complain about. */
export async function assertHarmless(page, complaints) {
  assert.equal(await page.evaluate(() => window.isHacked), undefined);
  assert.equal(await page.locator("main img, main script").count(), 0);
  assert.deepEqual(complaints, []);
}

/** Tab until `isReached` says so, `most` times at most. */
export async function tabTo(page, isReached, most = 120) {
  for (let count = 0; count < most; count += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(isReached)) return count;
  }
  throw new Error(`not reached by ${most} tabs`);
}

/** The texts of a row's cells. */
export function cellsOf(row) {
  return row.locator("th, td").allInnerTexts();
}
