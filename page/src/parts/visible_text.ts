// Text that strangers wrote, made harmless to the eye: what is invisible or turns the direction of its neighbours is shown
// as a sign. (To the browser it is harmless anyway: it is only ever a text node.)

export interface Piece {
  text: string;
  /** It stands for a character that cannot be seen. */
  isSign: boolean;
}

// Controls, what turns the direction, what has no width, what ends a line or is not to be shown at all.
const SIGNS =
  "\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F\\u00AD\\u061C\\u115F\\u1160\\u180E\\u200B-\\u200F\\u2028-\\u202E\\u2060-\\u206F\\u3164\\uFEFF\\uFFA0\\uFFF9-\\uFFFB";
const INVISIBLE = new RegExp(`[${SIGNS}]|\\uDB40[\\uDC00-\\uDFFF]`, "g");
const INVISIBLE_OR_LINE = new RegExp(`[\\t\\n]|${INVISIBLE.source}`, "g");

const NAMES: Record<string, string> = {
  "\n": "⏎", "\t": "⇥", "\u007F": "DEL", "\u200B": "ZWSP", "\u200E": "LRM", "\u200F": "RLM", "\u202A": "LRE", "\u202B": "RLE", "\u202C": "PDF",
  "\u202D": "LRO", "\u202E": "RLO", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u061C": "ALM", "\uFEFF": "BOM",
};

/** Names and no pictures of them: few fonts have those. */
const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

function signOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (NAMES[character]) return NAMES[character];
  return CONTROLS[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A text in pieces; in one line, ends of lines are signs too. */
export function piecesOf(text: string, isOneLine: boolean): Piece[] {
  const pattern = isOneLine ? INVISIBLE_OR_LINE : INVISIBLE;
  if (text.search(pattern) < 0) return [{ text, isSign: false }];
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), isSign: false });
    pieces.push({ text: signOf(match[0]), isSign: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), isSign: false });
  return pieces;
}

/** The first `length` characters, never half of one. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const isHalf = /[\uD800-\uDBFF]/.test(text[length - 1] ?? "");
  return text.slice(0, isHalf ? length - 1 : length);
}

/** A field's value as text: texts as they are, lists and objects as JSON. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "object") {
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
  }
  return String(value);
}
