// The five-minute walk by clicks alone, and its pictures for the README:
//
//     WEIR_BINARY=../target/release/weir node tests/walk.mjs
//
// From the objective that is broken to the route that fails, a request of it, its stack trace and the user's e-mail, all
// that this user met, and back. Whatever step does not work ends it with an error.

import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openPage } from "./support/browser.mjs";
import { untilTrue } from "./support/checks.mjs";
import { openShop } from "./support/view_test.mjs";

const PICTURES = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
const BYTES_MAX = 200_000;
const SIZE = { width: 1280, height: 700 };
const ROUTE = "/api/v1/pay";

const scheme = process.argv.includes("--dark") ? "dark" : "light";
const shop = await openShop({ isLive: true, hours: 26 });
const { page, complaints } = await openPage(shop.context, { ...SIZE, scheme });

async function picture(name) {
  await untilTrue(page, () => !document.querySelector(".is-stale, .is-coming, .loading"));
  await page.mouse.move(2, 2);
  const path = join(PICTURES, `${name}.png`);
  await page.screenshot({ path });
  const { size } = statSync(path);
  assert.ok(size < BYTES_MAX, `${path} has ${size} bytes`);
  console.log(`${path} ${size}`);
}

async function isBroken() {
  const { json } = await shop.api("api/slas");
  return json.slas.some(({ route, state }) => route === ROUTE && state === "broken");
}

/** A failed request of which the application sent a plain error, and its place among the failed ones. */
async function failedRequest() {
  const params = new URLSearchParams(page.url().split("?").at(-1));
  const asked = new URLSearchParams({ query: params.get("query"), from: params.get("from"), to: params.get("to"), limit: "15" });
  const { json } = await shop.api(`api/search?${asked}`);
  for (const [index, { request_id: id }] of json.hits.entries()) {
    const plain = new URLSearchParams({ query: `request_id:${id} AND message:PaymentGatewayTimeout`, from: "now-1d", to: "now", limit: "1" });
    const errors = await shop.api(`api/search?${plain}`);
    if (errors.json.hits.length > 0) return index;
  }
  throw new Error("no failed request has a plain error");
}

async function walk() {
  mkdirSync(PICTURES, { recursive: true });
  await shop.shop.until(isBroken, 120, "a broken objective");
  await page.goto(`${shop.address}#/objectives`);
  await page.waitForSelector(`table a:has-text("${ROUTE}")`);
  await picture("objectives");
  await page.click(`table a:has-text("${ROUTE}")`);
  await page.waitForSelector('a:has-text("Open the failed ones")');
  await untilTrue(page, () => document.querySelectorAll(".time-chart canvas").length >= 2);
  await page.waitForLoadState("networkidle");
  await picture("route");
  await page.click('a:has-text("Open the failed ones")');
  await page.waitForSelector(".grid-row");
  await untilTrue(page, () => document.querySelectorAll(".field-name").length > 5);
  await picture("search");
  await page.click(`.grid-row >> nth=${await failedRequest()}`);
  await page.click('.record-panel a:has-text("Story")');
  await page.click('.story-chart li:has-text("errors") button');
  await page.waitForSelector(".message .frames");
  assert.match(await page.textContent(".message"), /PaymentClient\.capture/);
  await picture("story");
  const user = await page.textContent('.story-links a:has-text("All records of")');
  await page.click('.story-links a:has-text("All records of")');
  await page.waitForSelector(".grid-row");
  assert.ok((await page.inputValue("#query")).includes(/\S+@\S+/.exec(user)[0]));
  await picture("user");
  for (let steps = 0; steps < 10 && !page.url().includes("#/objectives"); steps += 1) await page.goBack();
  await page.waitForSelector(`table a:has-text("${ROUTE}")`);
  assert.deepEqual(complaints, []);
}

try {
  await walk();
} finally {
  await shop.close();
}
console.log("from the objective to the user and back");
process.exit(0);
