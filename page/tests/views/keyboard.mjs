// Everything by the keyboard alone: from the overview of keys to a request's stack trace.

import assert from "node:assert/strict";

import { addressOf } from "../support/address.mjs";
import { untilTrue } from "../support/checks.mjs";

const day = () => ({ from: new Date(Date.now() - 25 * 3_600_000).toISOString(), to: new Date(Date.now() - 40 * 60_000).toISOString() });
const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);

export const tests = [
  ["? shows the keys, Escape closes, and the focus is always visible", async ({ open, shot }) => {
    const page = await open(addressOf("search", day()));
    await page.waitForSelector(".grid-row");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    const keys = await page.$$eval("dialog dt", (terms) => terms.map((term) => term.textContent));
    for (const key of ["?", "/", "j", "k", "o", "e", "t", "[", "]"]) assert.ok(keys.includes(key), `${key} is not told`);
    await shot(page, "keys");
    await page.keyboard.press("Escape");
    await untilTrue(page, () => !document.querySelector("dialog[open]"));
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("Tab");
      const isVisible = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return true;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle !== "none" && outlineWidth !== "0px";
      });
      assert.ok(isVisible, `no outline: ${await focused(page)}`);
    }
  }],
  ["from typing a query to the story of a request without a mouse", async ({ open }) => {
    const page = await open(addressOf("search", day()));
    await page.waitForSelector(".grid-row");
    await page.keyboard.press("/");
    assert.equal(await focused(page), "query");
    await page.keyboard.type("source:errors");
    await page.keyboard.press("Enter");
    await untilTrue(page, () => location.hash.includes("source:errors") && document.querySelector(".grid-row")?.textContent.includes("errors"));
    await untilTrue(page, () => !document.querySelector(".is-stale"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("o");
    await page.waitForSelector(".record-fields");
    assert.equal(await page.getAttribute('.grid-row[aria-selected="true"]', "aria-rowindex"), "3");
    const first = await page.textContent(".record-title time");
    await page.keyboard.press("j");
    await untilTrue(page, (text) => document.querySelector(".record-title time")?.textContent !== text, first);
    await page.keyboard.press("s");
    await page.waitForSelector(".story-chart li");
    assert.match(await page.textContent(".story-summary"), /records from .*errors/);
    await page.keyboard.press("j");
    await page.waitForSelector(".record-fields");
    await page.keyboard.press("Escape");
    await page.goBack();
    await page.waitForSelector(".grid-row");
  }],
  ["g and a letter go to the views; [ and ] move the time", async ({ open }) => {
    const page = await open(addressOf("search", day()));
    await page.waitForSelector(".grid-row");
    for (const [key, view] of [["r", "routes"], ["o", "objectives"], ["a", "alerts"], ["u", "sources"], ["s", "search"]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await untilTrue(page, (name) => location.hash.startsWith(`#/${name}`), view);
    }
    const before = await page.textContent(".range-title");
    await page.keyboard.press("[");
    await untilTrue(page, (text) => document.querySelector(".range-title").textContent !== text, before);
    await page.keyboard.press("]");
    await untilTrue(page, (text) => document.querySelector(".range-title").textContent === text, before);
  }],
  ["keys of one letter can be switched off", async ({ open }) => {
    const page = await open(addressOf("search", day()));
    await page.waitForSelector(".grid-row");
    await page.keyboard.press("?");
    await page.click("dialog .check input");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    assert.notEqual(await focused(page), "query");
    await page.click(".key-button");
    await page.click("dialog .check input");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    assert.equal(await focused(page), "query");
  }],
];
