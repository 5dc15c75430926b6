// What is around all views: the time, the zone, and what is shown while there is no answer, or none that can be had.

import assert from "node:assert/strict";

import { addressOf } from "../support/address.mjs";
import { assertAccessible, untilTrue } from "../support/checks.mjs";

const span = { from: "2026-11-20T10:00:00Z", to: "2026-11-20T11:00:00Z" };

export const tests = [
  ["a time that is typed is read in the zone that is shown, and stands in the address in UTC", async ({ open }) => {
    const page = await open(addressOf("search", span));
    await page.click(".zone-button");
    await page.fill('.zone-panel input', "Asia/Kathmandu");
    await page.keyboard.press("Enter");
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "2026-11-20 15:45 – 16:45");
    assert.match(await page.textContent(".zone-button"), /Kathmandu \+05:45/);
    await page.click(".range-button");
    await assertAccessible(page);
    await page.fill(".range-form label:nth-of-type(1) input", "2026-11-21 00:00");
    await page.fill(".range-form label:nth-of-type(2) input", "yesterday");
    assert.match(await page.textContent(".range-form [role=alert]"), /no time/);
    await page.fill(".range-form label:nth-of-type(2) input", "2026-11-20 00:00");
    assert.match(await page.textContent(".range-form [role=alert]"), /not behind/);
    await page.fill(".range-form label:nth-of-type(2) input", "2026-11-21 01:00");
    await page.keyboard.press("Enter");
    await untilTrue(page, () => location.hash.includes("from=2026-11-20T18:15:00Z") && location.hash.includes("to=2026-11-20T19:15:00Z"));
    await page.reload();
    await untilTrue(page, () => document.querySelector(".range-title")?.textContent === "2026-11-21 00:00 – 01:00");
    await page.click(".zone-button");
    await page.click('.zone-panel button:has-text("UTC")');
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "2026-11-20 18:15 – 19:15");
  }],
  ["presets, back and forth, and twice the time", async ({ open }) => {
    const page = await open(addressOf("search", span));
    await page.click('[aria-label="Earlier"]');
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "2026-11-20 09:30 – 10:30");
    await page.click('[aria-label="Show twice the time"]');
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "2026-11-20 09:00 – 11:00");
    await page.goBack();
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "2026-11-20 09:30 – 10:30");
    await page.click(".range-button");
    await page.click('.range-presets button:has-text("15 m")');
    await untilTrue(page, () => document.querySelector(".range-title").textContent === "Last 15 m");
    assert.equal(await page.evaluate(() => document.activeElement.className), "button range-button");
  }],
  ["the time goes along to another view", async ({ open }) => {
    const page = await open(addressOf("search", { ...span, query: "status:500" }));
    await page.click('nav a:has-text("Routes")');
    await untilTrue(page, () => location.hash.startsWith("#/routes") && location.hash.includes("from=2026-11-20T10:00:00Z"));
  }],
  ["a server that does not answer is said, and asked again", async ({ open }) => {
    const page = await open(addressOf("search", { from: "now-24h" }));
    await page.waitForSelector(".grid-row");
    await page.route("**/api/**", (route) => route.abort());
    await page.keyboard.press("r");
    await page.waitForSelector(".problem");
    assert.match(await page.textContent(".problem"), /does not answer/);
    await page.unroute("**/api/**");
    await page.click('.problem button:has-text("Try again")');
    await untilTrue(page, () => !document.querySelector(".problem") && document.querySelector(".grid-row"));
  }],
  ["a server that is busy is asked again by itself", async ({ open }) => {
    const page = await open("#/alerts");
    let refused = 0;
    await page.route("**/api/aggregate", (route) => {
      refused += 1;
      if (refused > 1) return route.continue();
      return route.fulfill({ status: 503, headers: { "retry-after": "1" }, json: { error: "too many ask", code: "busy", hint: "try again" } });
    });
    await page.evaluate(() => { location.hash = "#/search?from=now-24h"; });
    await untilTrue(page, () => /[\d,]+ records/.test(document.querySelector(".result-notes strong")?.textContent ?? ""));
    assert.ok(refused >= 2);
  }],
  ["axe finds nothing in the other states of the search and in a story", async ({ api, open }) => {
    const { hits: [hit] } = await api("api/search", { query: "source:errors", from: "now-24h", to: "now", limit: 1 });
    const states = [
      [addressOf("search", { query: "statu:500", from: "now-24h" }), ".query-problem"],
      [addressOf("search", { query: "method:GET AND status:599", from: "now-24h" }), ".nothing-list"],
      [addressOf("search", { query: "* | count by status", from: "now-24h" }), ".statistics tbody tr"],
      [addressOf("search", { live: "1" }), ".live-notes"],
      [addressOf("story", { request_id: hit.request_id }), ".story-chart li"],
      [addressOf("nowhere"), ".state"],
    ];
    for (const [address, ready] of states) {
      const page = await open(address);
      await page.waitForSelector(ready);
      await assertAccessible(page);
      await page.close();
    }
  }],
];
