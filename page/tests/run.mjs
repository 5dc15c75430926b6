// Runs the tests of `tests/views` in a real Chromium against a real weir:
//
//     WEIR_BINARY=../target/release/weir npm run browser
//     WEIR_SERVER=http://127.0.0.1:9099 npm run browser -- search
//
// A file there exports `tests`: pairs of a name and a function that gets `{ address, weir, api, context, open, shot }`.
// One that needs another weir than the demo's exports `startOwn` too, which starts it and gives `{ stop }`.
// A test fails by throwing, and by anything that the browser complained about.

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, openPage } from "./support/browser.mjs";
import { servePage } from "./support/page_server.mjs";
import { apiOf, startWeir, untilLoaded } from "./support/weir.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OUTPUT = join(HERE, "output");

/** The page of weir itself if it has one, else the built one beside it. */
async function pageOf(weir) {
  const response = await fetch(`${weir}/`, { headers: { accept: "text/html" } });
  const isServed = /text\/html/.test(response.headers.get("content-type") ?? "") && process.env.PAGE !== "dist";
  return isServed ? { address: `${weir}/`, close: () => undefined } : servePage(weir);
}

async function runTest([name, test], surroundings) {
  const opened = [];
  const open = async (hash, options) => {
    const made = await openPage(surroundings.context, options);
    opened.push(made);
    await made.page.goto(surroundings.address + hash);
    return made.page;
  };
  const shot = (page, file) => page.screenshot({ path: join(OUTPUT, `${file}.png`) });
  const started = performance.now();
  try {
    await test({ ...surroundings, open, shot });
    const complaints = opened.flatMap(({ complaints }) => complaints);
    if (complaints.length > 0) throw new Error(`the browser complained: ${complaints.join("; ")}`);
    console.log(`ok    ${name} (${Math.round(performance.now() - started)} ms)`);
    return true;
  } catch (error) {
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).split("\n").slice(0, 12).join("\n      ")}`);
    await opened.at(-1)?.page.screenshot({ path: join(OUTPUT, `failed-${name.replace(/\W+/g, "-").slice(0, 60)}.png`) }).catch(() => undefined);
    return false;
  } finally {
    for (const { page } of opened) await page.close();
  }
}

mkdirSync(OUTPUT, { recursive: true });
const wanted = process.argv.slice(2);
const files = readdirSync(join(HERE, "views")).filter((file) => file.endsWith(".mjs") && (wanted.length === 0 || wanted.some((name) => file.includes(name))));
const { weir, stop } = await startWeir();
const served = await pageOf(weir);
const browser = await launch();
const counts = { true: 0, false: 0 };
try {
  const surroundings = { weir, api: apiOf(weir), address: served.address, context: browser.context };
  await untilLoaded(surroundings.api);
  for (const file of files.sort()) {
    const { tests, startOwn } = await import(join(HERE, "views", file));
    console.log(file);
    const own = await startOwn?.();
    for (const test of tests) counts[await runTest(test, surroundings)] += 1;
    await own?.stop();
  }
} finally {
  await browser.close();
  served.close();
  stop();
}
console.log(`${counts.true} tests passed and ${counts.false} failed`);
process.exit(counts.false > 0 ? 1 : 0);
