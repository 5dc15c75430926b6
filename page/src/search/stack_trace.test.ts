// Which lines of a message are frames of a stack.

import { expect, it } from "vitest";

import { blocksOf } from "./stack_trace";

const shape = (text: string) => blocksOf(text).map(({ kind, lines }) => `${kind} ${lines.length}`).join(", ");

it.each([
  ["one line", "text 1"],
  ["java.lang.NullPointerException: x\n\tat a.b.C.d(C.java:12)\n\tat e.f(G.java:3)\nCaused by: y\n\tat h.i(J.java:1)\n\t... 12 more", "text 1, frames 2, text 1, frames 2"],
  ['Traceback (most recent call last):\n  File "a.py", line 3, in f\n    g()\n  File "b.py", line 1, in g\n    1 / 0\nZeroDivisionError: x', "text 1, frames 4, text 1"],
  ["TypeError: x is not a function\n    at f (/a/b.js:1:2)\n    at async g (c.js:3:4)", "text 1, frames 2"],
  ["panic: x\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\t/a/b.go:10 +0x1", "text 2, frames 1, text 1, frames 1"],
  ["look at this\nat home it works", "text 2"],
])("%j", (text, expected) => expect(shape(text)).toBe(expected));
