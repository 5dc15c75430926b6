// The query as text: what the page must know of the language to add terms to a query, to say which of its terms finds
// nothing, and to know what is being typed. What a query means is the server's to say.

export interface Token {
  text: string;
  start: number;
  end: number;
  kind: "term" | "and" | "or" | "not" | "open" | "close" | "pipe";
}

/** Words, quoted texts and signs; never fails, because it reads what is being typed. */
export function tokens(query: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < query.length) {
    const sign = query[at] ?? "";
    if (/\s/.test(sign)) {
      at += 1;
      continue;
    }
    const end = sign === "(" || sign === ")" ? at + 1 : sign === "|" ? at + (query[at + 1] === "|" ? 2 : 1) : endOfTerm(query, at);
    found.push(tokenOf(query.slice(at, end), at, end));
    at = end;
  }
  return found;
}

function tokenOf(text: string, start: number, end: number): Token {
  const kinds: Record<string, Token["kind"]> = {
    "(": "open", ")": "close", "|": "pipe", "||": "or", "&&": "and", "!": "not", AND: "and", and: "and", OR: "or", or: "or", NOT: "not", not: "not",
  };
  return { text, start, end, kind: kinds[text] ?? "term" };
}

/** Terms end at a space, a parenthesis or `|`; a value in quotes or parentheses, and a range, belong to theirs. */
function endOfTerm(query: string, start: number): number {
  let at = start;
  while (at < query.length) {
    const sign = query[at] ?? "";
    if (sign === "\\") at += 2;
    else if (sign === '"') at = endOfQuoted(query, at);
    else if (/^:[[{(]$/.test(query.slice(at, at + 2))) at = endOfGroup(query, at + 1);
    else if (/[\s()|]/.test(sign)) {
      const continued = continuation(query, at, start);
      if (continued < 0) break;
      at = continued;
    } else at += 1;
  }
  return Math.min(at, query.length);
}

/** `status >= 500`: the operator and its value may stand apart. */
function continuation(query: string, at: number, start: number): number {
  if (!/\s/.test(query[at] ?? "")) return -1;
  const before = query.slice(start, at);
  if (/[^\\](:|>=?|<=?|!=|=~|!~|==?)$/.test(before) && /^(?!\\).+/.test(before)) {
    const next = /^\s+/.exec(query.slice(at));
    return /^[^\s()|]/.test(query.slice(at + (next?.[0].length ?? 0))) ? at + (next?.[0].length ?? 0) : -1;
  }
  const operator = /^\s+(>=|<=|!=|=~|!~|==|>|<|=)/.exec(query.slice(at));
  const isField = /^[-+!]?[^\s":<>=!~]+$/.test(before) && !/^(AND|OR|NOT|and|or|not)$/.test(before);
  return operator && isField ? at + operator[0].length : -1;
}

function endOfQuoted(query: string, start: number): number {
  let at = start + 1;
  while (at < query.length && query[at] !== '"') at += query[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, query.length);
}

function endOfGroup(query: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < query.length) {
    const sign = query[at] ?? "";
    if (sign === '"') {
      at = endOfQuoted(query, at);
      continue;
    }
    if ("[{(".includes(sign)) depth += 1;
    if ("]})".includes(sign)) depth -= 1;
    at += 1;
    if (depth === 0) break;
  }
  return at;
}

/** Whether it asks for numbers instead of records, with `| stats` or one of its short forms. */
export function isStatistics(query: string): boolean {
  return tokens(query).some(({ kind }) => kind === "pipe");
}

/** The parts that must all match; one part where an `OR` holds it together. */
export function requiredParts(query: string): string[] {
  const all = tokens(query);
  const parts: string[] = [];
  let depth = 0;
  let start = -1;
  const finish = (end: number) => {
    if (start >= 0) parts.push(query.slice(start, end).trim());
    start = -1;
  };
  for (const [index, token] of all.entries()) {
    if (depth === 0 && token.kind === "or") return [query.trim()];
    if (depth === 0 && token.kind === "pipe") {
      finish(token.start);
      break;
    }
    if (depth === 0 && token.kind === "and") {
      finish(token.start);
      continue;
    }
    if (depth === 0 && start >= 0 && all[index - 1]?.kind !== "not") finish(token.start);
    if (start < 0) start = token.start;
    if (token.kind === "open") depth += 1;
    if (token.kind === "close") depth = Math.max(0, depth - 1);
    if (index === all.length - 1) finish(token.end);
  }
  finish(query.length);
  return parts.filter((part) => part !== "");
}

/** A value as the language takes it: bare where that is plain to read, else in quotes. */
export function quoted(value: unknown): string {
  const text = String(value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return text;
  if (/^[\p{L}\p{N}_./@-]+$/u.test(text) && !/^(AND|OR|NOT|and|or|not|TO|to|now.*)$/.test(text) && !text.startsWith("-")) return text;
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** A field's name with its signs escaped. */
export function fieldName(name: string): string {
  return name.replace(/[\s"\\:()<>=!~|*?[\]{}]/g, "\\$&");
}

/** `status:500`, or `NOT _exists_:status` for a value that is not there. */
export function termOf(field: string, value: unknown): string {
  if (value === null || value === undefined) return `NOT _exists_:${fieldName(field)}`;
  return `${fieldName(field)}:${quoted(value)}`;
}

/** The query with another condition; statistics keep theirs behind it. */
export function withTerm(query: string, term: string): string {
  const pipe = tokens(query).find(({ kind }) => kind === "pipe");
  const condition = (pipe ? query.slice(0, pipe.start) : query).trim();
  const rest = pipe ? ` ${query.slice(pipe.start)}` : "";
  if (condition === "" || condition === "*" || condition === "*:*") return term + rest;
  if (requiredParts(condition).includes(term)) return query;
  // The opposite of what is added goes, or nothing would be found.
  const opposite = term.startsWith("NOT ") ? term.slice(4) : `NOT ${term}`;
  const kept = requiredParts(condition).filter((part) => part !== opposite);
  if (kept.length < requiredParts(condition).length) return [...kept, term].join(" AND ") + rest;
  const hasOr = tokens(condition).some(({ kind }) => kind === "or") && requiredParts(condition).length === 1;
  const isWrapped = condition.startsWith("(") && tokens(condition).length > 0 && endOfGroup(condition, 0) === condition.length;
  return `${hasOr && !isWrapped ? `(${condition})` : condition} AND ${term}${rest}`;
}

/** What is being typed at the caret: a field or word, or a field's value. */
export interface Typing {
  kind: "field" | "value";
  /** The field whose value it is. */
  field: string;
  /** What of it is there already, without quotes. */
  prefix: string;
  /** What a suggestion replaces. */
  start: number;
  end: number;
}

export function typingAt(query: string, caret: number): Typing {
  const token = tokens(query).find(({ start, end, kind }) => kind === "term" && start < caret && caret <= end);
  if (!token) return { kind: "field", field: "", prefix: "", start: caret, end: caret };
  const typed = query.slice(token.start, caret);
  const value = /^([-+!]?)((?:\\.|[^\\":<>=!~\s])+)\s*(?::(?:\(|>=?|<=?)?|==?|!=|>=?|<=?)\s*("?)((?:\\.|[^"\\])*)$/.exec(typed);
  if (value) {
    const [, , field = "", quote = "", prefix = ""] = value;
    return { kind: "value", field: field.replace(/\\(.)/g, "$1"), prefix: prefix.replace(/\\(.)/g, "$1"), start: caret - prefix.length - quote.length, end: token.end };
  }
  const sign = /^[-+!]/.exec(typed)?.[0].length ?? 0;
  return { kind: "field", field: "", prefix: typed.slice(sign), start: token.start + sign, end: token.end };
}
