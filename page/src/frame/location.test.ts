// Addresses: links in mails and alerts are made elsewhere and must be read here.

import { expect, it } from "vitest";

import { addressOf, parseHash } from "./location";

it.each([
  ["", { view: "search", rest: "", params: {} }],
  ["#/search?query=status%3A%3E%3D500&from=now-1h", { view: "search", rest: "", params: { query: "status:>=500", from: "now-1h" } }],
  ["#/alerts/0123456789abcdef", { view: "alerts", rest: "0123456789abcdef", params: {} }],
  ["#/search?to=now+5m&query=a=b&&=x", { view: "search", rest: "", params: { to: "now+5m", query: "a=b" } }],
  ["#/search?query=100%", { view: "search", rest: "", params: { query: "100%" } }],
])("%s is read", (hash, expected) => expect(parseHash(hash)).toEqual(expected));

it("what is written is read again", () => {
  for (const query of ['user_email:"a+b@c.de" AND route:/a/{id}', "ä & % # ? = +", "\u202E x"]) {
    expect(parseHash(addressOf("search", { query, from: "now-1h" })).params).toEqual({ query, from: "now-1h" });
  }
  expect(addressOf("search", { query: "", from: undefined })).toBe("#/search");
});
