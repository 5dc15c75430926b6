// The walk that the page is for: from the firing objective to the failing route, to a request, to its stack trace and
// the user's e-mail, and back; and from an alert to exactly its records.

import assert from "node:assert/strict";

import { assertHarmless, openShop, visit } from "../support/view_test.mjs";

let shop;

/** What these tests run on; the runner ends it. */
export async function startOwn() {
  shop = await openShop({ isLive: true, hours: 26 });
  const isFiring = async () => (await shop.api("api/v2/alerts")).json.some(({ labels }) => labels.alertname === "PaymentsFail");
  await shop.shop.until(isFiring, 150, "an alert that fires");
  return { stop: shop.close };
}

export const tests = [
  ["from the broken objective to the stack trace and the user's e-mail, and back", async ({ shot }) => {
    const { page, complaints } = await visit(shop, "#/objectives");
    const broken = page.locator("table.data tbody tr").filter({ hasText: "broken" });
    await broken.first().waitFor();
    await shot(page, "walk-1-objectives");
    await broken.getByRole("link", { name: "/api/v1/pay" }).click();
    const messages = page.getByRole("region", { name: "Errors and their messages" });
    await messages.getByText(/PaymentGatewayTimeout/).waitFor();
    await page.locator(".heat td a").first().waitFor();
    await shot(page, "walk-2-route");
    await messages.locator("tr").filter({ hasText: "PaymentGatewayTimeout" }).getByRole("link", { name: "Story" }).click();
    await page.locator(".story-summary").waitFor();
    await page.getByText(/customer\d@example\.com/).first().waitFor();
    await page.locator(".story-chart li").filter({ hasText: "errors" }).locator("a, button").first().click();
    await page.getByText(/PaymentClient\.java:71/).first().waitFor();
    await shot(page, "walk-3-story");
    for (const view of ["#/route?", "#/objectives"]) {
      for (let step = 0; step < 3 && !(await page.evaluate(() => location.hash)).startsWith(view); step += 1) await page.goBack();
      assert.ok((await page.evaluate(() => location.hash)).startsWith(view), `back at ${view}`);
    }
    await broken.first().waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["from the alert to its records in the search, and back", async ({ shot }) => {
    const { page, complaints } = await visit(shop, "#/alerts");
    await page.locator(".alert-what a").filter({ hasText: "PaymentsFail" }).click();
    await page.getByRole("heading", { name: /PaymentsFail/ }).waitFor();
    await shot(page, "walk-4-alert");
    await page.getByRole("link", { name: /Open exactly its bad records|Open the records of its labels/ }).click();
    await page.waitForFunction(() => location.hash.startsWith("#/search?"));
    await page.locator(".grid-row").first().waitFor();
    assert.match(await page.locator(".grid-row").first().innerText(), /PaymentGatewayTimeout|script/);
    await page.goBack();
    await page.getByRole("heading", { name: /PaymentsFail/ }).waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
];
