// Rows by index over a server that only goes forwards.

import { describe, expect, it } from "vitest";

import type { Hit } from "../api/records";
import { type Anchor, type PageRequest, RowStore } from "./row_store";

const COUNT = 50_000;
const PER_INTERVAL = 5_000;

/** A server with rows 0 to COUNT-1, newest first; `to` is the interval's number, the cursor the next row. */
function server() {
  const asked: PageRequest[] = [];
  const load = async (request: PageRequest) => {
    asked.push(request);
    const first = request.cursor === undefined ? Number(request.to) * PER_INTERVAL : Number(request.cursor);
    const end = Math.min(COUNT, first + request.limit);
    const hits: Hit[] = [];
    for (let row = first; row < end; row += 1) hits.push({ _id: String(row), "@timestamp": "2026-11-20T10:00:00Z" });
    return { hits, cursor: end < COUNT ? String(end) : null };
  };
  return { asked, load };
}

const anchors: Anchor[] = Array.from({ length: COUNT / PER_INTERVAL }, (_, interval) => ({ index: interval * PER_INTERVAL, from: "", to: String(interval), cursor: undefined }));
const first: Anchor = { index: 0, from: "", to: "0", cursor: undefined };

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

async function started() {
  const { asked, load } = server();
  const store = new RowStore(load, () => undefined, (error) => { throw error; });
  const page = await load({ ...first, limit: 100, isOnlyIds: false });
  store.begin(page.hits, first, page.cursor);
  asked.length = 0;
  return { asked, store };
}

describe("rows of a result", () => {
  it("are there from the first page on, before they are counted", async () => {
    const { store } = await started();
    expect([store.count, store.row(99)?.id, store.row(100)]).toEqual([100, "99", undefined]);
  });
  it("go on behind the first page", async () => {
    const { asked, store } = await started();
    store.learnCounts(COUNT, anchors);
    store.want(80, 140);
    await settled();
    expect([store.row(140)?.id, asked.length]).toEqual(["140", 1]);
  });
  it("are reached in the middle without what is before", async () => {
    const { asked, store } = await started();
    store.learnCounts(COUNT, anchors);
    store.want(40_100, 40_140);
    await settled();
    expect([store.row(40_100)?.id, store.row(40_140)?.id, asked.length]).toEqual(["40100", "40140", 1]);
  });
  it("are walked to inside of an interval without their fields", async () => {
    const { asked, store } = await started();
    store.learnCounts(COUNT, anchors);
    store.want(44_000, 44_040);
    await settled();
    expect(store.row(44_040)?.id).toBe("44040");
    expect(asked.map(({ isOnlyIds, limit }) => [isOnlyIds, limit])).toEqual([[true, 4_000], [false, 500]]);
  });
  it("are forgotten far away and read again", async () => {
    const { store } = await started();
    store.learnCounts(COUNT, anchors);
    for (let index = 0; index < COUNT; index += 400) {
      store.want(index, index + 40);
      await settled();
      expect(store.row(index + 40)?.id).toBe(String(index + 40));
    }
    store.want(COUNT - 10, COUNT + 20);
    await settled();
    expect(store.row(COUNT - 1)?.id).toBe(String(COUNT - 1));
  });
  it("are fewer than counted if some were removed", async () => {
    const { store } = await started();
    store.learnCounts(COUNT + 7, anchors);
    store.want(COUNT, COUNT + 6);
    await settled();
    expect(store.count).toBe(COUNT);
  });
});
