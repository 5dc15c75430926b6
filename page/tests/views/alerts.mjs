// Alerts in a real browser: what fires is what the API says, a mail's link opens it, silences are made and ended.

import assert from "node:assert/strict";

import { assertAccessible, assertFits, assertHarmless, openShop, tabTo, visit } from "../support/view_test.mjs";

let shop;
let told;

/** What these tests run on; the runner ends it. */
export async function startOwn() {
  shop = await openShop({ isLive: true, hours: 26 });
  const areFiring = async () => {
    told = (await shop.api("api/v2/alerts")).json;
    return ["PaymentsFail", "HostileMessages"].every((name) => told.some(({ labels }) => labels.alertname === name));
  };
  await shop.shop.until(areFiring, 150, "alerts that fire");
  return { stop: shop.close };
}

export const tests = [
  ["the table has the alerts of the API with their numbers", async () => {
    const { page, complaints } = await visit(shop, "#/alerts");
    await page.locator("table.data tbody tr").first().waitFor();
    const { json } = await shop.api("api/alerts");
    await page.waitForFunction((count) => document.querySelectorAll("table.data tbody tr").length === count, json.alerts.length);
    for (const { labels, state } of json.alerts) {
      const own = Object.entries(labels).filter(([name]) => !["alertname", "severity", "message"].includes(name));
      let rows = page.locator("table.data tbody tr").filter({ hasText: labels.alertname }).filter({ hasText: labels.severity });
      for (const [name, value] of own) rows = rows.filter({ hasText: `${name}=${value}` });
      assert.ok((await rows.count()) > 0, `${JSON.stringify(labels)} ${state}`);
    }
    await page.getByText(/Nothing is known about now from billing/).waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["a mail's link opens the alert, and from there its records", async () => {
    const alert = told.find(({ labels }) => labels.alertname === "PaymentsFail");
    const { page, complaints } = await visit(shop, `#/alerts/${alert.fingerprint}`);
    await page.getByRole("heading", { name: /PaymentsFail/ }).waitFor();
    await page.getByText(/it holds above 5/).waitFor();
    const link = page.getByRole("link", { name: /Open exactly its bad records|Open the records of its labels/ });
    const address = new URLSearchParams((await link.getAttribute("href")).split("?")[1]);
    const found = await shop.api(`api/search?limit=0&${new URLSearchParams({ query: address.get("query"), from: address.get("from"), to: address.get("to") })}`);
    assert.ok(found.json.total > 0, address.toString());
    const row = (await shop.api("api/alerts")).json.alerts.find(({ labels }) => labels.alertname === "PaymentsFail");
    if (row.query) {
      const exact = await shop.api(`api/search?limit=0&${new URLSearchParams({ query: row.query, from: row.from, to: row.to })}`);
      assert.equal(exact.json.total, row.bad, "the link opens exactly the records that the alert counted");
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["every alert of the table can be opened, told or not, and its own changes are shown", async () => {
    const { page } = await visit(shop, "#/alerts");
    await page.locator("table.data tbody tr").first().waitFor();
    const links = await page.locator(".alert-what a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.equal(links.length, (await shop.api("api/alerts")).json.alerts.length);
    for (const link of links) {
      await page.goto(shop.address + link);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByRole("region", { name: "Changes" }).locator("tbody tr").first().waitFor();
    }
    await page.close();
  }],
  ["an alert that nobody knows is said not to be known", async () => {
    const { page } = await visit(shop, "#/alerts/0000000000000000");
    await page.getByText("No alert of this number is known.").waitFor();
    await page.close();
  }],
  ["the history has a lane for each alert and every change", async () => {
    const { json } = await shop.api("api/alerts");
    const lanes = new Set(json.history.map(({ labels }) => JSON.stringify(labels)));
    const { page, complaints } = await visit(shop, "#/alerts?tab=history&from=now-1h");
    await page.locator(".time-line tbody tr").first().waitFor();
    assert.ok((await page.locator(".time-line tbody tr").count()) >= lanes.size);
    const bars = await page.locator(".time-line .stretch").evaluateAll((all) => all.map((bar) => bar.getAttribute("aria-label")));
    assert.ok(bars.some((text) => /^firing .* to now, /.test(text)), bars.join("; "));
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["a silence is made, keeps its alert quiet, and is ended, by keys alone", async () => {
    const { page, complaints } = await visit(shop, "#/alerts?tab=silences");
    await tabTo(page, () => document.activeElement?.textContent === "New silence");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
    await page.keyboard.type("alertname=PaymentsFail");
    await page.getByText("1 alert that fires now is meant").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Say why, for those who find it.").waitFor();
    await page.keyboard.type("<b>new</b> version");
    await page.keyboard.press("Tab");
    await page.keyboard.type("anna");
    await page.keyboard.press("Enter");
    await page.getByText("The silence is made.").first().waitFor();
    const silences = (await shop.api("api/v2/silences")).json;
    assert.deepEqual(silences.map(({ createdBy, comment, matchers }) => [createdBy, comment, matchers]), [
      ["anna", "<b>new</b> version", [{ name: "alertname", value: "PaymentsFail", isRegex: false, isEqual: true }]],
    ]);
    await page.goto(`${shop.address}#/alerts`);
    await page.locator("tr").filter({ hasText: "PaymentsFail" }).getByText("silenced").waitFor();
    await page.goto(`${shop.address}#/alerts?tab=silences`);
    await tabTo(page, () => document.activeElement?.textContent === "End it");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "End it now?" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("The silence has ended.").first().waitFor();
    assert.equal((await shop.api("api/v2/silences")).json[0].status.state, "expired");
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["messages are told, or that the server does not list them", async () => {
    const { status, json } = await shop.api("api/notifications");
    const { page, complaints } = await visit(shop, "#/alerts?tab=messages");
    if (status === 404) {
      await page.getByText(/This server does not list its messages/).waitFor();
    } else {
      await page.getByRole("region", { name: "Receivers" }).waitFor();
      for (const { receiver, sent } of json.receivers) {
        const row = page.getByRole("region", { name: "Receivers" }).locator("tbody tr").filter({ hasText: receiver });
        assert.ok(Number(await row.locator("td").nth(1).innerText()) >= sent, receiver);
      }
      await assertAccessible(page);
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
];

for (const scheme of ["light", "dark"]) {
  for (const tab of ["active", "history", "silences"]) {
    tests.push([`${tab} is accessible and fits a phone, ${scheme}`, async () => {
      const { page, complaints } = await visit(shop, `#/alerts?tab=${tab}&matchers=a%3Db`, { scheme });
      await page.locator(".table-place, .silence-form").first().waitFor();
      await assertAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await assertFits(page);
      await assertAccessible(page);
      await assertHarmless(page, complaints);
      await page.close();
    }]);
  }
}
