// Every question to the server goes through here: one way to say what went wrong, one place that knows when nobody is
// signed in, and no question that goes on after nobody waits for its answer.

export type Query = Record<string, string | number | boolean | null | undefined>;

/** Why the server did not answer; `code` is stable, `error` and `hint` are for people. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly error: string,
    readonly hint = "",
    readonly line: number | null = null,
    readonly column: number | null = null,
  ) {
    super(error);
    this.name = "ApiProblem";
  }
}

/** Set while nobody is signed in; the frame asks for a name and a password. */
export const SIGN_IN_NEEDED = "weir:sign-in-needed";

/** The full address of an endpoint, as for EventSource, a download or curl. */
export function apiAddress(path: string, query: Query = {}): string {
  const address = new URL(path.replace(/^\//, ""), document.baseURI.replace(/[?#].*$/, ""));
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
  }
  return address.href;
}

export function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return request<T>("GET", apiAddress(path, query), undefined, signal);
}

export function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return request<T>("POST", apiAddress(path), body, signal);
}

export function putJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return request<T>("PUT", apiAddress(path), body, signal);
}

export function deleteAt<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return request<T>("DELETE", apiAddress(path, query), undefined, signal);
}

/** How often a question is asked again that found no room; the server answers a few at a time. */
const AGAIN_MAX = 3;

async function request<T>(method: string, address: string, body: unknown, signal?: AbortSignal): Promise<T> {
  for (let again = 0; ; again += 1) {
    const { response, text } = await answerTo(method, address, body, signal);
    if (response.ok) return (text ? parseJson(text) : undefined) as T;
    const problem = problemOf(response, text);
    // Nothing was done yet, so asking again does nothing twice.
    if (problem.status !== 503 || problem.code !== "busy" || again === AGAIN_MAX) throw problem;
    await pause((Number(response.headers.get("retry-after")) || 2) * 1000, signal);
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(new DOMException("not wanted any more", "AbortError"));
    });
  });
}

async function answerTo(method: string, address: string, body: unknown, signal?: AbortSignal): Promise<{ response: Response; text: string }> {
  // The header keeps other sites from asking in the reader's name (they may not set it), and the server from
  // answering with a challenge that makes the browser open a window of its own.
  const headers: Record<string, string> = { Accept: "application/json", "X-Weir-Page": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  if (signal) options.signal = signal;
  try {
    const response = await fetch(address, options);
    return { response, text: await response.text() };
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiProblem(0, "unreachable", "the server does not answer");
  }
}

function problemOf(response: Response, text: string): ApiProblem {
  if (response.status === 401) window.dispatchEvent(new Event(SIGN_IN_NEEDED));
  let said: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed && typeof parsed === "object") said = parsed as Record<string, unknown>;
  } catch {
    said = { error: text.trim().slice(0, 500) };
  }
  const asText = (value: unknown) => (typeof value === "string" ? value : "");
  const asNumber = (value: unknown) => (typeof value === "number" ? value : null);
  const error = asText(said["error"]) || `the server answered ${response.status} ${response.statusText}`.trim();
  return new ApiProblem(
    response.status, asText(said["code"]) || "failed", error, asText(said["hint"]),
    asNumber(said["line"]), asNumber(said["column"]),
  );
}

/** Whole numbers that a double would round; ids are often as long as that. */
const LONG_INTEGER = /[:[,]\s*-?\d{16,}\s*[,}\]]/;

/** As JSON.parse, but for whole numbers beyond 2^53: they are BigInt, because a wrong digit of an id is a wrong id. */
export function parseJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  type Context = { source?: string };
  const reviver = (_key: string, value: unknown, context?: Context) => {
    const source = context?.source;
    const isRounded = typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined;
    return isRounded && /^-?\d+$/.test(source) ? BigInt(source) : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Any failure as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem(0, "failed", error instanceof Error ? error.message : String(error));
}
