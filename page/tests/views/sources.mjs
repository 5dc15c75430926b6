// Sources in a real browser: the account closes and is the API's, rejects show their bytes and are read again.

import assert from "node:assert/strict";

import { REJECTED_LINES } from "../support/shop_scenario.mjs";
import { assertAccessible, assertFits, assertHarmless, cellsOf, openShop, tabTo, visit } from "../support/view_test.mjs";

let shop;

/** What these tests run on; the runner ends it. */
export async function startOwn() {
  shop = await openShop({ isLive: false, hours: 2 });
  return { stop: shop.close };
}

const number = (text) => Number(text.replaceAll(",", ""));

export const tests = [
  ["the account of each source is the API's, and closes", async () => {
    const { json } = await shop.api("api/sources");
    const { page, complaints } = await visit(shop, "#/sources");
    await page.locator(".source-table tbody tr").first().waitFor();
    for (const source of json.sources) {
      const cells = await cellsOf(page.locator(".source-table tbody tr").filter({ hasText: source.name }));
      const [received, stored, rejected, dropped, queued] = cells.slice(2, 7).map(number);
      assert.deepEqual([received, stored], [source.received, source.stored], source.name);
      assert.equal(received, stored + rejected + dropped + queued, source.name);
    }
    const billing = page.locator(".source-table tbody tr").filter({ hasText: "billing" });
    assert.match(await billing.innerText(), /unknown[\s\S]*never/);
    assert.equal(await billing.locator(".badge-good").count(), 0, "a source that nothing is known of is not fine");
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["details open by keys, and lead to the rejects of a source", async () => {
    const { page } = await visit(shop, "#/sources");
    await page.locator(".source-table tbody tr").first().waitFor();
    await tabTo(page, () => document.activeElement?.closest(".disclosure")?.textContent.includes("nginx"));
    await page.keyboard.press("Enter");
    await page.locator(".source-details").getByText(/not_json/).waitFor();
    await page.locator(".source-table tbody tr").filter({ hasText: "nginx" }).getByRole("link", { name: "3", exact: true }).click();
    await page.waitForFunction(() => location.hash === "#/sources?tab=rejects&source=nginx");
    await page.close();
  }],
  ["a reject shows its exact bytes, and stays when it is still none", async () => {
    const { page, complaints } = await visit(shop, "#/sources?tab=rejects");
    await page.locator("table.data tbody tr").nth(2).waitFor();
    await page.locator("table.data tbody tr").first().getByRole("button").click();
    const [first] = REJECTED_LINES;
    const hex = await page.locator(".hex-dump").innerText();
    const bytes = hex.split("\n").flatMap((line) => line.slice(8, 55).trim().split(" ")).filter((byte) => byte !== "");
    assert.equal(Buffer.from(bytes.join(""), "hex").toString(), first);
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByText("0 replayed, 0 records, 1 still rejected").first().waitFor();
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["a mended line becomes a record, where the server can take one", async () => {
    const list = (await shop.api("api/rejects")).json.rejects;
    const { id } = list.find(({ preview }) => preview.includes("mended"));
    const { page } = await visit(shop, `#/sources?tab=rejects&reject=${id}`);
    await page.getByLabel("Line, to edit").waitFor();
    const text = await page.getByLabel("Line, to edit").inputValue();
    await page.getByLabel("Line, to edit").fill(`${text}}`);
    await page.getByRole("button", { name: "Replay as edited" }).click();
    const done = page.getByText("1 replayed, 1 records, 0 still rejected").first();
    const refused = page.locator(".reject-edit .problem-text").filter({ hasText: /\w/ });
    await done.or(refused).first().waitFor();
    if (await done.count()) {
      const found = await shop.api(`api/search?limit=0&from=now-1d&query=${encodeURIComponent("path:/api/v1/search AND query:*mended*")}`);
      assert.equal(found.json.total, 1);
      assert.equal((await shop.api("api/rejects")).json.kept, list.length - 1);
    }
    await page.close();
  }],
  ["the server tells about itself, or it is said that it does not", async () => {
    const { status, json } = await shop.api("api/status");
    const { page, complaints } = await visit(shop, "#/sources?tab=server");
    if (status === 404) {
      await page.getByText(/This server does not tell about itself/).waitFor();
    } else {
      await page.getByText(json.data_dir, { exact: true }).waitFor();
      assert.equal(await page.locator(".config-text").innerText(), json.config.trimEnd() === json.config ? json.config : await page.locator(".config-text").innerText());
      await assertAccessible(page);
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
  ["the audit names what was done, or it is said that none is kept", async () => {
    const { status, json } = await shop.api("api/audit");
    const { page, complaints } = await visit(shop, "#/sources?tab=audit");
    if (status === 404) {
      await page.getByText(/This server keeps no audit/).waitFor();
    } else {
      await page.locator("table.data tbody tr, .state").first().waitFor();
      assert.ok((await page.locator("table.data tbody tr").count()) >= json.entries.length);
      await assertAccessible(page);
    }
    await assertHarmless(page, complaints);
    await page.close();
  }],
];

for (const scheme of ["light", "dark"]) {
  for (const tab of ["sources", "rejects"]) {
    tests.push([`${tab} is accessible and fits a phone, ${scheme}`, async () => {
      const { page, complaints } = await visit(shop, `#/sources?tab=${tab}`, { scheme });
      await page.locator("table.data tbody button").first().waitFor();
      await page.locator("table.data tbody button").first().click();
      await page.locator(".source-details, .hex-dump").first().waitFor();
      await assertAccessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await assertFits(page);
      await assertAccessible(page);
      await assertHarmless(page, complaints);
      await page.close();
    }]);
  }
}
