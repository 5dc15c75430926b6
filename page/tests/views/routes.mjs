// Routes in a real browser: the numbers are those of the API, the way leads from the table to the records.

import assert from "node:assert/strict";

import { HOSTILE_PATH } from "../support/shop_scenario.mjs";
import { assertAccessible, assertFits, assertHarmless, openShop, tabTo, visit } from "../support/view_test.mjs";

let shop;

/** What these tests run on; the runner ends it. */
export async function startOwn() {
  shop = await openShop({ isLive: false, hours: 6 });
  return { stop: shop.close };
}

/** A span that is over, so that page and test ask about the same. */
function lastHour() {
  const to = Math.floor(Date.now() / 60_000) * 60_000;
  const text = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");
  return { from: text(to - 3_600_000), to: text(to) };
}

const PAY = "service=shop&route=/api/v1/pay&method=POST&source=nginx";
const PAY_QUERY = 'source:"nginx" AND service:"shop" AND route:"/api/v1/pay" AND method:"POST"';

export const tests = [
  ["the table has the counts, rates and times of the API", async () => {
    const { from, to } = lastHour();
    const { json } = await shop.api(`api/routes?from=${from}&to=${to}`);
    const { page, complaints } = await visit(shop, `#/routes?from=${from}&to=${to}`);
    await page.locator(".routes-table tbody tr").first().waitFor();
    assert.equal(await page.locator(".routes-table tbody tr").count(), json.routes.length);
    for (const route of json.routes) {
      const row = page.locator(".routes-table tbody tr").filter({ has: page.getByText(route.route, { exact: true }) });
      const text = await row.innerText();
      assert.match(text, new RegExp(`\\b${route.count.toLocaleString("en-US")}\\b`), `${route.route}: ${text}`);
      assert.ok(text.includes(`${Number((route.p95 * 1000).toPrecision(3))} ms`) || text.includes(`${Number(route.p95.toPrecision(3))} s`), `p95 ${route.p95}: ${text}`);
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["it sorts by any column, and the address keeps it", async () => {
    const { page } = await visit(shop, "#/routes?from=now-6h");
    await page.getByRole("button", { name: "p95", exact: true }).click();
    await page.waitForFunction(() => location.hash.includes("sort=-p95"));
    assert.equal(await page.locator("th[aria-sort=descending]").innerText().then((text) => text.replace("\n", "")), "p95▼");
    assert.match(await page.locator(".routes-table tbody tr").first().innerText(), /\/api\/v1\/pay/);
    await page.reload();
    assert.match(await page.locator(".routes-table tbody tr").first().innerText(), /\/api\/v1\/pay/);
    await page.close();
  }],
  ["the broken promise, the change and the hostile route are told as what they are", async () => {
    const { from, to } = lastHour();
    const { page, complaints } = await visit(shop, `#/routes?from=${from}&to=${to}`);
    const pay = page.locator(".routes-table tbody tr").filter({ hasText: "/api/v1/pay" });
    await pay.getByText("broken").waitFor();
    await pay.locator(".delta").first().waitFor();
    await page.getByText(HOSTILE_PATH, { exact: true }).waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["one route: totals, statuses and every cell of the map are exact counts that open their records", async () => {
    const { from, to } = lastHour();
    const count = async (query) => (await shop.api("api/aggregate", { query, from, to, metrics: { n: { count: {} } } })).json.rows[0].n;
    const { page, complaints } = await visit(shop, `#/route?${PAY}&from=${from}&to=${to}`);
    await page.locator(".heat td a").first().waitFor();
    const requests = await count(PAY_QUERY);
    assert.equal(await page.locator(".facts dd").first().innerText().then((text) => text.split("\n")[0]), String(requests));
    const counts = await page.locator(".heat td a").evaluateAll((cells) => cells.map((cell) => Number(/^([\d,]+) requests/.exec(cell.title)[1].replaceAll(",", ""))));
    assert.equal(counts.reduce((sum, one) => sum + one, 0), requests, "each request is in one cell of the map");
    const busiest = page.locator(`.heat td a >> nth=${counts.indexOf(Math.max(...counts))}`);
    const link = new URLSearchParams((await busiest.getAttribute("href")).split("?")[1].replaceAll("+", "%2B"));
    const found = await shop.api(`api/search?limit=0&${new URLSearchParams({ query: link.get("query"), from: link.get("from"), to: link.get("to") })}`);
    assert.equal(found.json.total, Math.max(...counts), "a cell opens exactly the records that it counted");
    const failed = await count(`${PAY_QUERY} AND status:>=500`);
    const table = page.locator("details").nth(1);
    await table.locator("summary").click();
    const fives = await table.locator("tbody td:nth-child(2)").allInnerTexts();
    assert.equal(fives.reduce((sum, text) => sum + Number(text), 0), failed, "the table of statuses sums up to the failures");
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["the slowest request of the API is the first of the list, and failures have their messages", async () => {
    const { from, to } = lastHour();
    const longest = (await shop.api("api/aggregate", { query: PAY_QUERY, from, to, metrics: { m: { max: { field: "request_time" } } } })).json.rows[0].m;
    const { page, complaints } = await visit(shop, `#/route?${PAY}&from=${from}&to=${to}`);
    const slowest = page.getByRole("region", { name: "Slowest requests" }).locator("tbody tr").first();
    assert.ok((await slowest.innerText()).includes(`${Number(longest.toPrecision(3))} s`), await slowest.innerText());
    const messages = page.getByRole("region", { name: "Errors and their messages" });
    await messages.getByText(/PaymentGatewayTimeout: no answer/).waitFor();
    await messages.getByText(/<script>/).waitFor();
    await assertHarmless(page, complaints);
    await messages.getByRole("link", { name: "Story" }).first().click();
    await page.waitForFunction(() => location.hash.startsWith("#/story?request_id=req"));
    await page.close();
  }],
  ["up to when a route is known is what is known of its own source", async () => {
    const { json } = await shop.api("api/sources");
    const of = (name) => json.sources.find((source) => source.name === name).complete_to;
    assert.equal(json.complete_to, null, "a source that never came makes all of them unknown");
    const { page } = await visit(shop, "#/routes");
    await page.getByText("completeness not known").waitFor();
    await page.goto(`${shop.address}#/route?${PAY}`);
    const shown = await page.locator(".completeness").filter({ hasText: "complete to" }).innerText();
    const seconds = (Date.parse(`${/complete to ([\d-]+ [\d:]+)/.exec(shown)[1].replace(" ", "T")}Z`) - Date.parse(of("nginx"))) / 1000;
    assert.ok(seconds >= -1 && seconds < 30, `${shown} and ${of("nginx")}`);
    await page.close();
  }],
  ["keys alone lead from the table to a cell of the map", async () => {
    const { page } = await visit(shop, "#/routes?from=now-6h&sort=-errors");
    await page.locator(".routes-table tbody tr").first().waitFor();
    await tabTo(page, () => document.activeElement?.closest(".route-name a") !== null);
    await page.keyboard.press("Enter");
    await page.locator(".heat td a").first().waitFor();
    await tabTo(page, () => document.activeElement?.closest(".heat td a") !== null);
    const first = await page.evaluate(() => document.activeElement.dataset.cell);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowRight");
    assert.deepEqual([first, await page.evaluate(() => document.activeElement.dataset.cell)], ["0,0", "1,1"]);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.startsWith("#/search?query="));
    await page.close();
  }],
  ["a wrong filter says where, an empty span says so", async () => {
    const { page } = await visit(shop, "#/routes?query=statsu:>=500");
    await page.getByRole("alert").getByText(/statsu/).waitFor();
    await page.goto(`${shop.address}#/routes?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z`);
    await page.getByText("No requests in this span.").waitFor();
    await page.close();
  }],
];

for (const scheme of ["light", "dark"]) {
  for (const hash of ["#/routes?from=now-6h", `#/route?${PAY}&from=now-6h`]) {
    tests.push([`${hash.split("?")[0]} is accessible and fits a phone, ${scheme}`, async () => {
      const { page, complaints } = await visit(shop, hash, { scheme });
      await page.locator(hash.startsWith("#/routes") ? ".routes-table tbody tr" : ".heat td a").first().waitFor();
      await assertAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await assertFits(page);
      await assertAccessible(page);
      await assertHarmless(page, complaints);
      await page.close();
    }]);
  }
}
