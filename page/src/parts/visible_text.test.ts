// Hostile text: what cannot be seen must be seen, and nothing else changed.

import { expect, it } from "vitest";

import { cut, piecesOf, valueText } from "./visible_text";

const shown = (text: string, isOneLine = true) => piecesOf(text, isOneLine).map(({ text: piece, isSign }) => (isSign ? `<${piece}>` : piece)).join("");

it.each([
  ["plain ä 漢 😀", "plain ä 漢 😀"],
  ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["a\u202Egpj.exe", "a<RLO>gpj.exe"],
  ["\u001b[31mred\u0000", "<ESC>[31mred<NUL>"],
  ["a\nb\tc\r", "a<⏎>b<⇥>c<CR>"],
  ["pay\u200Bment \u2066x\u2069", "pay<ZWSP>ment <LRI>x<PDI>"],
  ["\u{E0041}tag", "<U+E0041>tag"],
  ["\u0085\u009b", "<U+0085><U+009B>"],
])("%j", (text, expected) => expect(shown(text)).toBe(expected));

it("keeps lines where there is room for them", () => expect(shown("a\nb\u0007", false)).toBe("a\nb<BEL>"));
it("never cuts a character in half", () => expect([cut("a😀b", 2), cut("a😀b", 3), cut("ab", 5)]).toEqual(["a", "a😀", "ab"]));
it("shows values of all kinds", () => expect([valueText(null), valueText(0.5), valueText(["a", 1n]), valueText(10n)]).toEqual(["", "0.5", '["a","1"]', "10"]));
