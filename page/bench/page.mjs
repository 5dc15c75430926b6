// How quick the search view is on a running weir, as JSON:
//
//     WEIR_SERVER=http://127.0.0.1:9099 node bench/page.mjs > run.json
//
// of the last day, or from WEIR_FROM to WEIR_TO.
//
// First paint, a brush, scrolling through 100,000 rows, and the live tail at 5,000 records a second. The goals are those of
// 2,000,000 records and a server on the same machine; what else the machine does is in the numbers too.

import { gzipSync } from "node:zlib";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { launch, openPage } from "../tests/support/browser.mjs";
import { servePage } from "../tests/support/page_server.mjs";
import { apiOf } from "../tests/support/weir.mjs";
import { scrolled } from "./scroll.mjs";
import { tailed } from "./tail.mjs";

const GOALS = { first_rows_ms: 500, brush_ms: 300, longest_frame_ms: 50, script_gzip_bytes: 150_000 };
const RUNS = 5;

const weir = (process.env.WEIR_SERVER ?? "http://127.0.0.1:9099").replace(/\/$/, "");
const api = apiOf(weir);

function median(values) {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)];
}

function scriptBytes() {
  const assets = fileURLToPath(new URL("../dist/assets/", import.meta.url));
  const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
  return scripts.reduce((sum, name) => sum + gzipSync(readFileSync(assets + name), { level: 9 }).length, 0);
}

/** From asking for the address until something is painted, rows are there, and the chart is drawn. */
async function firstPaint(context, address) {
  const { page } = await openPage(context);
  await page.addInitScript(() => {
    window.marks = {};
    const watch = () => {
      if (!window.marks.rows && document.querySelector(".grid-row:not(.is-coming)")) window.marks.rows = performance.now();
      if (!window.marks.chart && /[\d,]+ records/.test(document.querySelector(".result-notes strong")?.textContent ?? "")) window.marks.chart = performance.now();
      if (!window.marks.chart || !window.marks.rows) requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
  });
  await page.goto(address);
  await page.waitForFunction(() => window.marks.rows && window.marks.chart);
  const marks = await page.evaluate(() => ({ ...window.marks, paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime }));
  return { page, marks };
}

/** From letting go of the mouse until the counts of the new time are there. */
async function brush(page) {
  await page.evaluate(() => {
    const notes = document.querySelector(".search-main");
    window.brushed = undefined;
    const before = document.querySelector(".result-notes strong").textContent;
    document.addEventListener("mouseup", () => {
      const start = performance.now();
      const watch = () => {
        const isNew = document.querySelector(".result-notes strong")?.textContent !== before && !notes.querySelector(".is-stale");
        if (isNew) window.brushed = performance.now() - start;
        else requestAnimationFrame(watch);
      };
      requestAnimationFrame(watch);
    }, { once: true, capture: true });
  });
  const box = await page.locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(() => window.brushed !== undefined);
  return page.evaluate(() => window.brushed);
}

const served = await servePage(weir);
const browser = await launch();
const span = {
  from: process.env.WEIR_FROM ?? new Date(Date.now() - 24.5 * 3_600_000).toISOString(),
  to: process.env.WEIR_TO ?? new Date(Date.now() - 60_000).toISOString(),
};
const { total } = await api("api/search", { ...span, limit: 0 });
const address = `${served.address}#/search?from=${span.from}&to=${span.to}`;
const paints = [];
const brushes = [];
for (let run = 0; run < RUNS; run += 1) {
  const { page, marks } = await firstPaint(browser.context, address);
  paints.push(marks);
  brushes.push(await brush(page));
  await page.close();
}
const scroll = await scrolled(browser.context, address);
const tail = await tailed(browser.context, served.address, weir);
await browser.close();
served.close();
console.log(JSON.stringify({
  at: new Date().toISOString(), records: total, runs: RUNS, goals: GOALS,
  first_paint_ms: median(paints.map(({ paint }) => paint)), first_rows_ms: median(paints.map(({ rows }) => rows)), first_chart_ms: median(paints.map(({ chart }) => chart)),
  brush_ms: median(brushes), scroll, tail, script_gzip_bytes: scriptBytes(),
}, null, 2));
process.exit(0);
