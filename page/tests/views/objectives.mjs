// Objectives in a real browser: states and numbers are those of the API, unknown is never shown as fine, and another
// promise can be tried.

import assert from "node:assert/strict";

import { assertAccessible, assertFits, assertHarmless, openShop, tabTo, visit } from "../support/view_test.mjs";

let shop;

/** What these tests run on; the runner ends it. */
export async function startOwn() {
  shop = await openShop({ isLive: false, hours: 26 });
  // Promises are judged once a minute.
  const areJudged = async () => (await shop.api("api/slas")).json.slas.some(({ sla, bad }) => sla === "shop-availability" && bad > 0);
  await shop.shop.until(areJudged, 90, "judged promises");
  return { stop: shop.close };
}

const rowOf = (page, { sla, route }) => page.locator("table.data").first().locator("tbody tr").filter({ hasText: sla }).filter({ hasText: route || "whole service" });

export const tests = [
  ["each promise has the state, the share and the counts of the API", async () => {
    const { json } = await shop.api("api/slas");
    const { page, complaints } = await visit(shop, "#/objectives");
    await page.locator("table.data tbody tr").first().waitFor();
    assert.equal(await page.locator("table.data tbody tr").count(), json.slas.length);
    for (const sla of json.slas) {
      const text = await rowOf(page, sla).innerText();
      const state = { met: "met", broken: "broken", no_requests: "no requests", unknown: "unknown" }[sla.state];
      assert.ok(text.includes(state), `${sla.sla} ${sla.route}: ${text}`);
      const whole = (count) => count.toLocaleString("en-US");
      assert.ok(text.includes(`${whole(sla.good)} of ${whole(sla.good + sla.bad)} good`), `${sla.sla} ${sla.route}: ${text}`);
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["the broken one comes first, and the unknown one is never green", async () => {
    const { page } = await visit(shop, "#/objectives");
    const first = page.locator("table.data tbody tr").first();
    assert.match(await first.innerText(), /broken/);
    const unknown = page.locator("tbody tr").filter({ hasText: "invoices-availability" });
    assert.match(await unknown.innerText(), /unknown[\s\S]*never complete/);
    assert.equal(await unknown.locator(".badge-good").count(), 0);
    await page.close();
  }],
  ["one promise: the days add up, and a day opens exactly its bad requests", async () => {
    const { json } = await shop.api("api/slas");
    const sla = json.slas.find(({ sla, route }) => sla === "shop-latency" && route === "/api/v1/pay");
    const { page, complaints } = await visit(shop, "#/objectives?sla=shop-latency");
    const days = page.getByRole("region", { name: "Budget day by day" }).locator("tbody tr");
    await days.first().waitFor();
    const bad = await days.locator("td:nth-child(3)").allInnerTexts();
    assert.equal(bad.reduce((sum, text) => sum + Number(text.replaceAll(",", "")), 0), sla.bad);
    const link = new URLSearchParams((await page.getByRole("link", { name: "Open the bad requests" }).getAttribute("href")).split("?")[1]);
    const found = await shop.api(`api/search?limit=0&${new URLSearchParams({ query: link.get("query"), from: link.get("from"), to: link.get("to") })}`);
    assert.equal(found.json.total, sla.bad);
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["another threshold is tried on history, or it is said that the server cannot", async () => {
    const { status } = await shop.api("api/backtest?sla=shop-latency&from=now-1d&to=now");
    const { page, complaints } = await visit(shop, "#/objectives?sla=shop-latency");
    await page.getByLabel("Threshold").fill("0.2");
    await page.getByLabel("From", { exact: true }).fill("now-1d");
    await page.getByRole("button", { name: "Try it" }).click();
    if (status === 404) {
      await page.getByText(/This server cannot look back/).waitFor();
    } else {
      const row = page.locator(".trial-table tbody tr");
      await row.nth(1).waitFor();
      const [, , share] = await row.nth(1).locator("th, td").allInnerTexts();
      const [, , before] = await row.nth(0).locator("th, td").allInnerTexts();
      assert.ok(parseFloat(share) < parseFloat(before), `a stricter promise is kept less often: ${share} after ${before}`);
      await assertAccessible(page);
    }
    await page.getByLabel("Objective, %").fill("101");
    await page.getByText("A percentage above 0 and below 100.").waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["a promise that is not there is said not to be", async () => {
    const { page } = await visit(shop, "#/objectives?sla=nothing");
    await page.getByText("No objective is named nothing.").waitFor();
    await page.close();
  }],
  ["keys alone lead from the objectives to the failing route", async () => {
    const { page } = await visit(shop, "#/objectives");
    await page.locator("table.data tbody tr").first().waitFor();
    await tabTo(page, () => document.activeElement?.closest(".objective-of a") !== null);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.startsWith("#/route?"));
    await page.locator("h1").filter({ hasText: "/api/v1/pay" }).waitFor();
    await page.close();
  }],
];

for (const scheme of ["light", "dark"]) {
  for (const hash of ["#/objectives", "#/objectives?sla=shop-latency"]) {
    tests.push([`${hash} is accessible and fits a phone, ${scheme}`, async () => {
      const { page, complaints } = await visit(shop, hash, { scheme });
      await page.locator("table.data tbody tr").first().waitFor();
      await assertAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await assertFits(page);
      await assertAccessible(page);
      await assertHarmless(page, complaints);
      await page.close();
    }]);
  }
}
