// Commands that are copied into a shell: nothing of a query may be anything but its text there.

import { expect, it } from "vitest";

import { shellQuoted } from "./commands";

it.each([
  ["status:5xx", "status:5xx"], ["a b", "'a b'"], ["it's", "'it'\\''s'"], ["$(rm -rf /)", "'$(rm -rf /)'"], ["a`b`", "'a`b`'"], ["a\nb", "'a\nb'"], ["", "''"],
])("%j", (text, expected) => expect(shellQuoted(text)).toBe(expected));
