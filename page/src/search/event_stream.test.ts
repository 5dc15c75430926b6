// Events out of pieces of a stream.

import { expect, it } from "vitest";

import { EventParser } from "./event_stream";

it("puts events together however they arrive", () => {
  const stream = ': hello\n\ndata: {"a":1}\n\nevent: not_shown\ndata: {"not_shown":7}\n\ndata:x\ndata: y\n\n';
  const expected = [{ name: "message", data: '{"a":1}' }, { name: "not_shown", data: '{"not_shown":7}' }, { name: "message", data: "x\ny" }];
  for (const size of [1, 2, 7, 1000]) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < stream.length; at += size) found.push(...parser.push(stream.slice(at, at + size)));
    expect(found).toEqual(expected);
  }
});
