// Scrolls through 100,000 rows as fast as a hand that means it, and counts the frames that came late.

import { openPage } from "../tests/support/browser.mjs";

const ROWS = 100_000;
const PX_PER_FRAME = 1_300;

export async function scrolled(context, address) {
  const { page } = await openPage(context);
  await page.goto(address);
  await page.waitForFunction(() => /[\d,]+ records/.test(document.querySelector(".result-notes strong")?.textContent ?? ""));
  await page.waitForTimeout(1500);
  // In ticks of its thread, so that the number is the page's own however busy the machine is.
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const before = await busySeconds(devtools);
  const measured = await page.evaluate(async ({ rows, step }) => {
    const grid = document.querySelector(".grid");
    const frames = [];
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
    await new Promise((resolve) => {
      let last;
      const next = (now) => {
        if (last !== undefined) frames.push(now - last);
        last = now;
        grid.scrollTop += step;
        if (frames.length * step >= rows * 26 || grid.scrollTop + grid.clientHeight >= grid.scrollHeight) resolve();
        else requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
    const lastIndex = Number(document.querySelector(".grid-row:last-child").getAttribute("aria-rowindex"));
    return { frames, tasks, lastIndex };
  }, { rows: ROWS, step: PX_PER_FRAME });
  const busy = (await busySeconds(devtools)) - before;
  await page.close();
  const sorted = [...measured.frames].sort((left, right) => left - right);
  return {
    rows: measured.lastIndex, frames: sorted.length, median_frame_ms: sorted[Math.floor(sorted.length / 2)], p99_frame_ms: sorted[Math.floor(sorted.length * 0.99)],
    longest_frame_ms: sorted.at(-1), frames_over_50_ms: sorted.filter((frame) => frame > 50).length, long_tasks: measured.tasks.length,
    cpu_ms_per_frame: (busy * 1000) / sorted.length, longest_task_ms: Math.max(0, ...measured.tasks),
  };
}

async function busySeconds(devtools) {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value;
}
