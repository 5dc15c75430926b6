// Where the records of a request lie on its line of time.

import { expect, it } from "vitest";

import { marksOf, share, storyOf } from "./time_line";

const hits = [
  { _id: "3", "@timestamp": "2026-11-20T10:00:00.500000Z", source: "errors", level: 3 },
  { _id: "2", "@timestamp": "2026-11-20T10:00:00.600250Z", source: "nginx", status: 500, request_time: 0.4 },
  { _id: "1", "@timestamp": "2026-11-20T10:00:01.000000Z", source: "alb", status: 500, request_time: 1 },
];

it("requests end at their time and began before, events are moments", () => {
  const story = storyOf(hits);
  expect(story.steps.map(({ id }) => id)).toEqual(["1", "2", "3"]);
  expect(story.endMs - story.startMs).toBe(1000);
  expect(story.steps.map(({ startMs }) => Math.round(share(startMs, story)))).toEqual([0, 20, 50]);
  expect(story.steps.map(({ isSpan, severity }) => [isSpan, severity])).toEqual([[true, "5xx"], [true, "5xx"], [false, "error"]]);
});

it("a story of one moment has a length", () => {
  const story = storyOf(hits.slice(0, 1));
  expect(story.endMs).toBeGreaterThan(story.startMs);
});

it("marks are round", () => {
  expect(marksOf({ steps: [], startMs: 0, endMs: 430 })).toEqual([0, 100, 200, 300, 400]);
  expect(marksOf({ steps: [], startMs: 0, endMs: 3 })).toEqual([0, 1, 2, 3]);
});
