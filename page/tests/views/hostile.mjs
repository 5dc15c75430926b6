// Log lines that attack whoever looks at them: markup, control characters, turned directions, a megabyte in a field.

import assert from "node:assert/strict";

import { addressOf } from "../support/address.mjs";
import { assertFits, untilTrue } from "../support/checks.mjs";

const MARKUP = '<img src=x onerror="window.isHacked=1"><script>window.isHacked=1</script><style>*{display:none}</style>';
const RECORDS = [
  { message: MARKUP, controller: "<h1>big</h1>", user_email: '"><svg onload=window.isHacked=1>@example.com' },
  { message: "user \u202Egpj.exe\u202C and \u2066hidden\u2069 zero\u200Bwidth", controller: "\u202Econtroller" },
  { message: "\u001b[2J\u001b[31mcleared\u0000\u0007\b\u009b", controller: "\u001b]0;title\u0007" },
  { message: "x".repeat(1_000_000), controller: "megabyte" },
  { message: `Error: ${"y".repeat(300)}\n${Array.from({ length: 5_000 }, (_, line) => `\tat a.b.C${line}.d(C.java:${line})`).join("\n")}`, controller: "deep" },
  { message: "javascript link", controller: "javascript:alert(1)", ["<b>field</b>"]: "value", ["field\u202Eemas"]: "turned", __proto__x: "1", constructor: "2" },
  { message: "\u0300".repeat(5_000), controller: "zalgo" },
];
const query = "hostile_test:1";

async function sent(weir) {
  const body = RECORDS.map((record) => JSON.stringify({ ...record, hostile_test: 1 })).join("\n");
  const response = await fetch(`${weir}/ingest/ndjson`, { method: "POST", body });
  assert.equal((await response.json()).received, RECORDS.length);
}

async function assertHarmless(page) {
  const found = await page.evaluate(() => ({
    isHacked: window.isHacked, made: document.querySelectorAll("#page script, #page style, #page svg, #page h1 + h1, #page img:not(.brand img)").length,
  }));
  assert.deepEqual(found, { isHacked: undefined, made: 0 });
}

async function ready(page) {
  await untilTrue(page, () => document.querySelectorAll(".grid-row:not(.is-coming)").length >= 7 && !document.querySelector(".is-stale"));
}

export const tests = [
  ["hostile lines are text in the table, whatever is in them", async ({ weir, api, open, shot }) => {
    await sent(weir);
    const { total } = await api("api/search", { query, limit: 0 });
    assert.ok(total >= RECORDS.length);
    const page = await open(addressOf("search", { query, columns: "controller,user_email,message" }));
    await ready(page);
    await assertHarmless(page);
    const text = await page.textContent(".grid-body");
    assert.ok(text.includes(MARKUP));
    for (const sign of ["RLO", "PDI", "ZWSP", "ESC", "NUL", "U+009B"]) assert.ok(text.includes(sign), `${sign} is not shown`);
    assert.ok(!/[\u202E\u2066\u200B\u001b\u0000]/.test(text), "a character that cannot be seen is there");
    // A megabyte is in the record, not in the table.
    assert.ok(text.length < 20_000);
    await shot(page, "hostile");
    await page.click('.field-name:has-text("controller")');
    await page.waitForSelector(".field-values li");
    await assertHarmless(page);
  }],
  ["each hostile record opens: fields, JSON, line, around", async ({ open, shot }) => {
    const page = await open(addressOf("search", { query, columns: "controller,message" }));
    await ready(page);
    for (let row = 0; row < RECORDS.length; row += 1) {
      const started = Date.now();
      await page.click(`.grid-row >> nth=${row}`);
      await page.waitForSelector(".record-fields");
      for (const tab of ["json", "raw", "around", "fields"]) {
        await page.click(`#tab-${tab}`);
        await assertHarmless(page);
      }
      await shot(page, `hostile-${row}`);
      assert.ok(Date.now() - started < 15_000, `record ${row} took ${Date.now() - started} ms`);
      await page.keyboard.press("Escape");
    }
    await assertFits(page);
  }],
  ["a megabyte is shown as far as is read, and whole on demand", async ({ open }) => {
    const page = await open(addressOf("search", { query: `${query} AND controller:megabyte`, columns: "controller,message" }));
    await untilTrue(page, () => document.querySelectorAll(".grid-row:not(.is-coming)").length >= 1);
    await page.click(".grid-row >> nth=0");
    await page.waitForSelector(".message");
    assert.ok((await page.textContent(".message")).length < 10_000);
    await page.click('.message button:has-text("1,000,000")');
    await untilTrue(page, () => document.querySelector(".message").textContent.length >= 1_000_000);
  }],
  ["markup in the query, in values that are included, and in a saved address stays text", async ({ open }) => {
    const image = "<img src=x onerror=window.isHacked=1>";
    const page = await open(addressOf("search", { query: `${query} AND controller:"<h1>big</h1>"`, columns: image, split: "<b>x</b>", order: "<i>" }));
    await page.waitForTimeout(1500);
    await assertHarmless(page);
    await page.goto(`${page.url().split("#")[0]}#/${image}?x=y`);
    await page.waitForSelector(".state");
    await assertHarmless(page);
    await page.goto(`${page.url().split("#")[0]}${addressOf("story", { request_id: MARKUP })}`);
    await page.waitForTimeout(800);
    await assertHarmless(page);
  }],
];
