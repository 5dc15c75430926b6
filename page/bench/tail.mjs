// The live tail at 5,000 records a second: the memory of its page must not grow, and nothing may be lost without being
// said.

import { openPage } from "../tests/support/browser.mjs";

const RECORDS_PER_SECOND = Number(process.env.TAIL_RATE ?? 5_000);
const SECONDS = Number(process.env.TAIL_SECONDS ?? 30);
const BATCHES_PER_SECOND = 5;

export async function tailed(context, address, weir) {
  const { page } = await openPage(context);
  const devtools = await context.newCDPSession(page);
  await page.goto(`${address}#/search?live=1&query=bench_tail:1`);
  await page.waitForFunction(() => document.querySelector(".live-notes strong")?.textContent === "Live");
  const heaps = [await heapBytes(devtools)];
  let sent = 0;
  const started = performance.now();
  for (let batch = 0; batch < SECONDS * BATCHES_PER_SECOND; batch += 1) {
    sent += await send(weir, RECORDS_PER_SECOND / BATCHES_PER_SECOND, sent);
    const due = started + ((batch + 1) * 1000) / BATCHES_PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    if (batch % (BATCHES_PER_SECOND * 5) === 0) heaps.push(await heapBytes(devtools));
  }
  const seconds = (performance.now() - started) / 1000;
  await page.waitForTimeout(3000);
  heaps.push(await heapBytes(devtools));
  const notes = await page.textContent(".live-notes");
  await page.close();
  const number = (pattern) => Number(pattern.exec(notes)?.[1]?.replaceAll(",", ""));
  return {
    records_sent: sent, records_per_second: Math.round(sent / seconds), shown: number(/([\d,]+) shown/), not_shown: number(/([\d,]+) not shown/),
    heap_bytes: heaps, heap_growth_bytes: heaps.at(-1) - (heaps[2] ?? heaps[0]),
  };
}

async function heapBytes(devtools) {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize;
}

async function send(weir, count, first) {
  const lines = Array.from({ length: count }, (_, index) => JSON.stringify({
    message: `order ${first + index} could not be paid: the bank did not answer within 30 s`, level: 3, controller: "PayController", bench_tail: 1,
  }));
  const response = await fetch(`${weir}/ingest/ndjson`, { method: "POST", body: lines.join("\n") });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return count;
}
