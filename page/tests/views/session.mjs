// Signing in and out, and what is kept on the server for everyone: saved searches. On a weir of its own, with users.

import assert from "node:assert/strict";

import { addressOf } from "../support/address.mjs";
import { assertAccessible, untilTrue } from "../support/checks.mjs";
import { openPage } from "../support/browser.mjs";
import { PASSWORDS, startGuarded } from "../support/guarded_weir.mjs";
import { servePage } from "../support/page_server.mjs";
import { BINARY } from "../support/view_test.mjs";

let guarded;
let served;

export async function startOwn() {
  guarded = await startGuarded(BINARY);
  served = await servePage(guarded.weir);
  return {
    stop: async () => {
      served.close();
      await guarded.stop();
    },
  };
}

async function visit(context, hash) {
  const { page, complaints } = await openPage(context);
  await page.goto(served.address + hash);
  return { page, complaints };
}

async function signIn(page, name, password) {
  await page.fill('.sign-in input[autocomplete="username"]', name);
  await page.fill('.sign-in input[type="password"]', password);
  await page.click('.sign-in button[type="submit"]');
}

const records = (page) => untilTrue(page, () => /^20 records/.test(document.querySelector(".result-notes strong")?.textContent ?? ""));

export const tests = [
  ["a link from a mail asks for a name and opens what it is about behind it", async ({ context, shot }) => {
    const { page } = await visit(context, addressOf("search", { query: "tenant:acme" }));
    await page.waitForSelector(".sign-in");
    await assertAccessible(page);
    await shot(page, "sign-in");
    await signIn(page, "reader", "wrong");
    await untilTrue(page, () => /wrong/.test(document.querySelector(".sign-in [role=alert]")?.textContent ?? ""));
    await signIn(page, "reader", PASSWORDS.reader);
    await records(page);
    assert.match(page.url(), /tenant/);
    const seen = await page.evaluate(() => `${document.cookie} ${JSON.stringify(localStorage)} ${JSON.stringify(sessionStorage)}`);
    assert.ok(!seen.includes(PASSWORDS.reader) && !/session=/.test(seen), "a script could read the session");
    await page.reload();
    await records(page);
    await page.click('button:has-text("Sign out")');
    await page.waitForSelector(".sign-in");
    await page.close();
  }],
  ["a search that was saved is there for another reader, who may not remove it", async ({ context, shot }) => {
    const first = (await visit(context, addressOf("search", { query: "tenant:acme AND level:3", columns: "level,message", from: "now-24h" }))).page;
    await first.waitForSelector(".sign-in");
    await signIn(first, "boss", PASSWORDS.boss);
    await first.waitForSelector(".grid-row");
    await first.fill(".save-form input", "Acme's <b>errors</b> / today");
    await first.click(".save-form button");
    await first.waitForSelector('.saved li:has-text("Acme")');
    assert.equal(await first.textContent(".saved li a"), "Acme's <b>errors</b> / today");
    await shot(first, "saved");
    await first.click('button:has-text("Sign out")');
    await first.waitForSelector(".sign-in");
    await signIn(first, "reader", PASSWORDS.reader);
    await first.waitForSelector(".saved li");
    await first.click(".query-clear");
    await first.click(".saved li a");
    await untilTrue(first, () => document.getElementById("query")?.value === "tenant:acme AND level:3");
    assert.match(first.url(), /columns=level,message/);
    await first.click(".saved-remove");
    await first.waitForSelector(".saved .problem-text");
    assert.equal(await first.locator(".saved li").count(), 1);
    await first.close();
  }],
  ["who may only read is offered nothing that changes something, and is refused it", async ({ context, shot }) => {
    await context.clearCookies();
    const { page } = await visit(context, addressOf("sources", { tab: "rejects" }));
    await page.waitForSelector(".sign-in");
    await signIn(page, "reader", PASSWORDS.reader);
    await page.waitForSelector("table tbody tr");
    const offered = () => page.locator("main button:visible").allTextContents();
    assert.match(await page.textContent("main"), /role admin/);
    assert.ok(!(await offered()).some((text) => /replay/i.test(text)), String(await offered()));
    await page.click("table .disclosure");
    await page.waitForSelector(".hex-dump");
    assert.ok(!(await offered()).some((text) => /replay/i.test(text)), String(await offered()));
    assert.equal(await page.locator("main textarea").count(), 0);
    await shot(page, "rejects-reader");
    await page.goto(served.address + addressOf("alerts", { tab: "silences" }));
    await untilTrue(page, () => /role admin/.test(document.querySelector("main")?.textContent ?? ""));
    assert.deepEqual((await offered()).filter((text) => /silence/i.test(text) && !/silences/i.test(text)), []);
    await page.goto(served.address + addressOf("sources", { tab: "audit" }));
    await untilTrue(page, () => /role admin/.test(document.querySelector("main")?.textContent ?? ""));
    const refused = await page.evaluate(async () => {
      const post = (path, body) => fetch(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "x-weir-page": "1" } });
      const answers = [post("api/rejects/replay", {}), post("api/v2/silences", {}), post("api/delete", {}), post("-/reload", {})];
      return (await Promise.all(answers)).map((answer) => answer.status);
    });
    assert.deepEqual(refused, [403, 403, 403, 403]);
    await page.close();
  }],
  ["a session that ended brings the form back and keeps the address", async ({ context }) => {
    const { page } = await visit(context, addressOf("search", { query: "tenant:acme" }));
    await records(page);
    await context.clearCookies();
    await page.keyboard.press("r");
    await page.waitForSelector(".sign-in");
    assert.match(page.url(), /tenant/);
    await page.close();
  }],
];
