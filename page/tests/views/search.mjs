// The search on the demo's data: every number on screen is asked of the API by another way.

import assert from "node:assert/strict";

import { addressOf } from "../support/address.mjs";
import { assertAccessible, assertFits, numberIn, untilTrue } from "../support/checks.mjs";

/** A day that does not change while the tests run. */
const day = () => ({ from: new Date(Date.now() - 25 * 3_600_000).toISOString(), to: new Date(Date.now() - 40 * 60_000).toISOString() });

async function counted(page) {
  await untilTrue(page, () => /[\d,]+ records/.test(document.querySelector(".result-notes strong")?.textContent ?? "") && !document.querySelector(".is-stale"));
  return numberIn(await page.textContent(".result-notes strong"));
}

const rowsOf = (page) => page.$$eval(".grid-row", (rows) => rows.map((row) => row.innerText.replace(/\s+/g, " ")));

export const tests = [
  ["the number of records is the API's, with and without a query", async ({ api, open, shot }) => {
    for (const query of ["", "status:5xx", "source:nginx AND method:POST", 'message:"timed out"']) {
      const span = day();
      const page = await open(addressOf("search", { query, ...span }));
      const { total } = await api("api/search", { query, ...span, limit: 0 });
      assert.equal(await counted(page), total, query);
      if (query === "") await shot(page, "search");
    }
  }],
  ["the first rows are the newest records, and the oldest when turned round", async ({ api, open }) => {
    const span = day();
    const page = await open(addressOf("search", { query: "status:5xx", columns: "status,path", ...span }));
    for (const order of ["newest", "oldest"]) {
      await counted(page);
      const { hits } = await api("api/search", { query: "status:5xx", ...span, limit: 5, order });
      const rows = await rowsOf(page);
      for (const [index, hit] of hits.entries()) {
        const time = hit["@timestamp"].slice(0, 23).replace("T", " ");
        assert.ok(rows[index].startsWith(`${time} ${hit.status}`), `${rows[index]} is not ${time} ${hit.status}`);
      }
      if (order === "newest") await page.click(".grid-header button");
    }
  }],
  ["the last row of all is the oldest record, without a cap", async ({ api, open }) => {
    const span = day();
    const page = await open(addressOf("search", { columns: "source,path", ...span }));
    const count = await counted(page);
    assert.ok(count > 100_000);
    const { hits } = await api("api/search", { ...span, limit: 1, order: "oldest" });
    await page.evaluate(() => { const grid = document.querySelector(".grid"); grid.scrollTop = grid.scrollHeight; });
    const time = hits[0]["@timestamp"].slice(0, 23).replace("T", " ");
    await untilTrue(page, (text) => [...document.querySelectorAll(".grid-row")].some((row) => row.innerText.startsWith(text)), time);
    assert.equal(await page.getAttribute(".grid-row:last-child", "aria-rowindex"), String(count + 1));
    assert.equal(await page.locator(".grid-row.is-coming").count(), 0);
  }],
  ["a row in the middle is the one that the API has there", async ({ api, open }) => {
    const span = day();
    const page = await open(addressOf("search", { columns: "source,path", ...span }));
    const count = await counted(page);
    await page.evaluate(() => { const grid = document.querySelector(".grid"); grid.scrollTop = grid.scrollHeight / 2; });
    await untilTrue(page, () => !document.querySelector(".grid-row.is-coming") && Number(document.querySelector(".grid-row")?.getAttribute("aria-rowindex")) > 1000);
    const [index, time] = await page.$eval(".grid-row", (row) => [Number(row.getAttribute("aria-rowindex")) - 2, row.querySelector(".cell-time").textContent]);
    assert.ok(Math.abs(index - count / 2) < 100);
    // As many records are newer: counted by the API, with those of the same millisecond either way.
    const ms = Date.parse(`${time.replace(" ", "T")}Z`);
    const newer = async (from) => (await api("api/search", { from: new Date(from).toISOString(), to: span.to, limit: 0 })).total;
    assert.ok((await newer(ms + 1)) <= index && index < (await newer(ms)), `row ${index} at ${time}`);
  }],
  ["the chart adds up: a brush finds as many as its bars", async ({ api, open }) => {
    const page = await open(addressOf("search", { query: "source:nginx", ...day() }));
    await counted(page);
    const box = await page.locator(".u-over").boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 6 });
    await page.mouse.up();
    await untilTrue(page, () => /from=20/.test(location.hash));
    const count = await counted(page);
    const params = new URLSearchParams(new URL(page.url()).hash.split("?")[1]);
    const { total } = await api("api/search", { query: "source:nginx", from: params.get("from"), to: params.get("to"), limit: 0 });
    assert.equal(count, total);
    await page.goBack();
    assert.ok((await counted(page)) > count);
  }],
  ["the field list has the API's values; include, exclude and only change the query", async ({ api, open }) => {
    const span = day();
    const page = await open(addressOf("search", { query: "source:alb", ...span }));
    await counted(page);
    await page.click('.field-name:has-text("status") >> nth=0');
    await page.waitForSelector(".field-values li");
    const { fields: [field] } = await api("api/fields", { query: "source:alb", ...span, field: "status", top: 10 });
    const shown = await page.$$eval(".field-values ol .field-value", (values) => values.map((value) => value.textContent));
    assert.deepEqual(shown, field.top.map(({ value }) => String(value)));
    const value = field.top[1];
    await page.click(`[aria-label="Exclude status:${value.value}"]`);
    await untilTrue(page, () => location.hash.includes("NOT"));
    assert.equal(await counted(page), field.count - value.count);
    await page.click(`[aria-label="Only status:${field.top[0].value}"]`);
    await untilTrue(page, () => !location.hash.includes("NOT"));
    assert.equal(await counted(page), (await api("api/search", { query: `status:${field.top[0].value}`, ...span, limit: 0 })).total);
  }],
  ["an open record has all fields of the API, its stack folded, its JSON and what is around it", async ({ api, open, shot }) => {
    const span = day();
    const { hits: [hit] } = await api("api/search", { query: "source:errors", ...span, limit: 1 });
    const page = await open(addressOf("search", { query: "source:errors", ...span }));
    await counted(page);
    await page.click(".grid-row >> nth=0");
    await page.waitForSelector(".record-fields");
    const names = await page.$$eval(".record-fields th", (heads) => heads.map((head) => head.textContent));
    assert.deepEqual(names.sort(), Object.keys(hit).filter((name) => name !== "message").sort());
    const frames = hit.message.split("\n").length - 1;
    assert.equal(await page.textContent(".frames button"), `${frames - 3} more frames`);
    await page.click(".frames button");
    assert.ok((await page.textContent(".frames pre")).includes(hit.message.split("\n").at(-1)));
    await shot(page, "search-record");
    await page.click("#tab-json");
    assert.deepEqual(JSON.parse(await page.textContent("pre.json")), hit);
    await page.click("#tab-raw");
    await untilTrue(page, () => document.getElementById("record-tab").textContent.includes("could not be read again"));
    assert.match(await page.textContent("#record-tab"), /not kept.*could not be read again: it came over the network/);
    await page.click("#tab-around");
    await page.waitForSelector(".around li.is-this");
    const around = await api("api/context", { id: hit._id, before: 10, after: 10, same: "source,node" });
    assert.equal(await page.locator(".around li").count(), around.hits.length);
    await assertAccessible(page);
  }],
  ["the line of a record is read again from the file that it came from", async ({ api, open }) => {
    const span = day();
    const { hits: [hit] } = await api("api/search", { query: "source:nginx", ...span, limit: 1 });
    const page = await open(addressOf("search", { query: "source:nginx", ...span }));
    await counted(page);
    await page.click(".grid-row >> nth=0");
    await page.click("#tab-raw");
    await untilTrue(page, () => document.getElementById("record-tab").textContent.includes("Read again from"));
    const { line, origin, is_kept } = await api("api/line", { id: hit._id });
    const request = JSON.parse(line);
    assert.deepEqual([request.request_id, Number(request.status), is_kept], [hit.request_id, hit.status, false]);
    assert.equal(await page.textContent("#record-tab pre.json"), line);
    assert.ok((await page.textContent("#record-tab")).includes(origin));
  }],
  ["numbers of groups are the API's and open their records", async ({ api, open, shot }) => {
    const span = day();
    const query = "source:nginx | stats count(), p95(request_time) by status";
    const page = await open(addressOf("search", { query, ...span }));
    await page.waitForSelector(".statistics tbody tr");
    const { rows } = await api("api/aggregate", { query, ...span });
    const shown = await page.$$eval(".statistics tbody tr", (lines) => lines.map((line) => [line.cells[0].innerText, Number(line.cells[1].innerText.replaceAll(",", ""))]));
    assert.deepEqual(shown, rows.map((row) => [row.status === null ? "–" : String(row.status), row["count()"]]));
    await shot(page, "search-statistics");
    await page.click(".statistics tbody tr:first-child a");
    assert.equal(await counted(page), rows[0]["count()"]);
  }],
  ["a wrong query is marked at its column, and what was meant is one click away", async ({ open, shot }) => {
    const page = await open(addressOf("search", { query: "method:GET AND statu:500", ...day() }));
    await page.waitForSelector(".query-problem mark");
    assert.equal(await page.textContent(".query-problem mark"), "s");
    assert.match(await page.textContent(".query-problem"), /column 16.*did you mean/);
    await shot(page, "search-problem");
    await page.click(".query-problem button");
    await counted(page);
    assert.equal(await page.inputValue("#query"), "method:GET AND status:500");
  }],
  ["nothing found says which part finds nothing, and where there is something", async ({ open, shot }) => {
    const page = await open(addressOf("search", { query: "method:GET AND status:599", ...day() }));
    await page.waitForSelector(".nothing-list .bad");
    assert.match(await page.textContent(".nothing"), /status:599\s*finds nothing/);
    await shot(page, "search-nothing");
    await page.goto(`${page.url().split("#")[0]}${addressOf("search", { query: "status:500", from: "now-400d", to: "now-399d" })}`);
    await page.waitForSelector('.nothing-list button:not([disabled]):has-text("last 24 h")');
    await page.click('.nothing-list button:has-text("last 24 h")');
    assert.ok((await counted(page)) > 0);
  }],
  ["suggestions: fields, then the values that are there", async ({ api, open }) => {
    const page = await open(addressOf("search", day()));
    await counted(page);
    await page.waitForSelector(".field-name");
    await page.click("#query");
    await page.keyboard.type("meth");
    await page.waitForSelector('.suggestions li:has-text("method")');
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.equal(await page.inputValue("#query"), "method:");
    await page.waitForSelector('.suggestions li:has-text("DELETE")');
    await page.keyboard.type("DEL");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await untilTrue(page, () => location.hash.includes("DELETE"));
    const count = await counted(page);
    const params = new URLSearchParams(new URL(page.url()).hash.split("?")[1]);
    assert.equal(count, (await api("api/search", { query: "method:DELETE", from: params.get("from"), to: params.get("to"), limit: 0 })).total);
  }],
  ["exports are the API's addresses; commands are ready to paste", async ({ open, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await open(addressOf("search", { query: "status:500 AND method:GET", ...day() }));
    await counted(page);
    await page.click('.search-tools button:has-text("Export")');
    const href = await page.getAttribute('.export-menu a:has-text("NDJSON")', "href");
    const lines = await page.evaluate(async (address) => (await (await fetch(address)).text()).trim().split("\n").length, href);
    assert.equal(lines, await counted(page));
    await page.click('.export-menu button:has-text("curl")');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -sG .*api\/search.* --data-urlencode 'query=status:500 AND method:GET'/);
  }],
  ["the live tail shows what comes, pauses, and counts what is not shown", async ({ open, weir, shot }) => {
    const page = await open(addressOf("search", { live: "1", query: "tail_test:1" }));
    const send = (texts) => fetch(`${weir}/ingest/ndjson`, { method: "POST", body: texts.map((message) => JSON.stringify({ message, tail_test: 1 })).join("\n") });
    await untilTrue(page, () => document.querySelector(".live-notes strong")?.textContent === "Live");
    await send(["first", "second"]);
    await untilTrue(page, () => document.querySelectorAll(".grid-row").length === 2);
    await page.click(".live-notes button");
    await send(["third", "fourth", "fifth"]);
    await untilTrue(page, () => /3 not shown/.test(document.querySelector(".live-notes").textContent));
    assert.equal(await page.locator(".grid-row").count(), 2);
    await shot(page, "search-live");
    await page.click(".live-notes button");
    await send(["sixth"]);
    await untilTrue(page, () => document.querySelector(".grid-row")?.textContent.includes("sixth"));
  }],
  ["the live tail pauses when the reader scrolls down, so that nothing moves under his eyes", async ({ open, weir }) => {
    const page = await open(addressOf("search", { live: "1", query: "tail_scroll:1" }));
    const send = (count) => {
      const body = Array.from({ length: count }, (_, index) => JSON.stringify({ message: `line ${index}`, tail_scroll: 1 })).join("\n");
      return fetch(`${weir}/ingest/ndjson`, { method: "POST", body });
    };
    await untilTrue(page, () => document.querySelector(".live-notes strong")?.textContent === "Live");
    await send(200);
    await untilTrue(page, () => /200 shown/.test(document.querySelector(".live-notes").textContent));
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, 600);
    await untilTrue(page, () => document.querySelector(".live-notes strong").textContent === "Paused");
    const before = await rowsOf(page);
    await send(50);
    await untilTrue(page, () => /50 not shown/.test(document.querySelector(".live-notes").textContent));
    assert.deepEqual(await rowsOf(page), before);
  }],
  ["the view survives a reload and another reader: all of it is in the address", async ({ open }) => {
    const page = await open(addressOf("search", { query: "status:5xx", columns: "status,route,request_time", split: "source", order: "oldest", ...day() }));
    const count = await counted(page);
    await page.click(".grid-row >> nth=2");
    await page.waitForSelector(".record-fields");
    const before = await rowsOf(page);
    await page.reload();
    assert.equal(await counted(page), count);
    await page.waitForSelector(".record-fields");
    assert.deepEqual((await rowsOf(page)).slice(0, 10), before.slice(0, 10));
  }],
  ["axe finds nothing, in light and dark; 390 pixels are enough", async ({ open, shot }) => {
    for (const scheme of ["light", "dark"]) {
      const page = await open(addressOf("search", { query: "status:5xx OR level:3", ...day() }), { scheme });
      await counted(page);
      await page.waitForSelector(".field-name");
      await page.click(".field-name >> nth=1");
      await page.waitForSelector(".field-values li");
      await assertAccessible(page);
      await shot(page, `search-${scheme}`);
      const phone = await open(addressOf("search", { query: "status:5xx OR level:3", ...day() }), { scheme, width: 390, height: 844 });
      await counted(phone);
      await assertFits(phone);
      await assertAccessible(phone);
      await shot(phone, `search-phone-${scheme}`);
      await phone.click(".grid-row >> nth=0");
      await phone.waitForSelector(".record-fields");
      await assertFits(phone);
      await shot(phone, `search-phone-record-${scheme}`);
    }
  }],
];
