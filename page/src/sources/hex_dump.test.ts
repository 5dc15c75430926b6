import { expect, test } from "vitest";

import { bytesOf, hexLines, isText } from "./hex_dump";

test("bytes are shown with their offsets, and as text where they are any", () => {
  const bytes = new Uint8Array([...new TextEncoder().encode("GET /a <b>\u202e"), 0, 0xff, 0x41, 0x42]);
  expect(hexLines(bytes, 1000)).toEqual([
    { offset: "000000", hex: "47 45 54 20 2f 61 20 3c 62 3e e2 80 ae 00 ff 41", text: "GET /a <b>·····A" },
    { offset: "000010", hex: "42", text: "B" },
  ]);
});

test("no more bytes are shown than asked for", () => {
  expect(hexLines(new Uint8Array(100), 20).map(({ hex }) => hex.split(" ").length)).toEqual([16, 4]);
});

test("only what is UTF-8 can be edited", () => {
  expect([bytesOf("aGk="), bytesOf("/w=="), bytesOf("no base64!")].map(isText)).toEqual([true, false, true]);
  expect(bytesOf("no base64!")).toHaveLength(0);
});
