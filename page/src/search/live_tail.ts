// Records as they come. What is kept is bounded, so that a tail may run for days; what is not shown is counted and said.

import { ApiProblem, apiAddress, asProblem, isAbort, parseJson } from "../api/client";
import type { Hit } from "../api/records";
import { EventParser, type StreamEvent } from "./event_stream";
import { type Row, type Rows, rowOf } from "./row_store";

/** Rows on screen and above it; older ones are found by searching. */
export const ROWS_MAX = 2_000;
const AGAIN_MS = 2_000;
/** How often the screen follows, at most. */
const DRAW_MS = 150;

export class LiveTail implements Rows {
  count = 0;
  notShown = 0;
  shown = 0;
  isPaused = false;
  isConnected = false;
  problem: ApiProblem | undefined;
  warnings: string[] = [];
  /** A ring: the newest row is at `newest`. */
  private ring: Row[] = [];
  private newest = -1;
  private waiting: Hit[] = [];
  private timer: number | undefined;
  private readonly controller = new AbortController();

  constructor(private readonly query: string, private readonly fields: string, private readonly changed: () => void) {
    void this.run();
  }

  row(index: number): Row | undefined {
    return this.ring[(this.newest - index + ROWS_MAX * 2) % ROWS_MAX];
  }

  want(): void {
    // Everything that is kept is here.
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.changed();
  }

  close(): void {
    this.controller.abort();
    window.clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    while (!this.controller.signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        if (isAbort(error) || this.controller.signal.aborted) return;
        this.problem = asProblem(error);
        // Asking the same again does not make a wrong query right.
        if (this.problem.status >= 400 && this.problem.status < 500 && this.problem.status !== 429) return this.changed();
      }
      this.isConnected = false;
      this.changed();
      await new Promise((resolve) => window.setTimeout(resolve, AGAIN_MS));
    }
  }

  private async follow(): Promise<void> {
    const address = apiAddress("api/tail", { query: this.query, fields: this.fields });
    const response = await fetch(address, { headers: { "X-Weir-Page": "1", Accept: "text/event-stream" }, signal: this.controller.signal, cache: "no-store" });
    if (!response.ok || !response.body) throw await refused(response);
    this.isConnected = true;
    this.problem = undefined;
    this.changed();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) this.take(event);
    }
  }

  private take({ name, data }: StreamEvent): void {
    const parsed = parseJson(data) as Hit;
    if (name === "not_shown") this.notShown += Number(parsed["not_shown"]) || 0;
    else if (name === "warning") this.warnings = [...new Set([...this.warnings, String(parsed["warning"])])].slice(-5);
    else this.show(parsed);
    this.timer ??= window.setTimeout(() => this.draw(), DRAW_MS);
  }

  private show(hit: Hit): void {
    if (this.isPaused) {
      this.notShown += 1;
      return;
    }
    this.waiting.push(hit);
    // More than the ring takes is not seen by anybody.
    if (this.waiting.length > ROWS_MAX) {
      this.waiting.shift();
      this.notShown += 1;
    }
  }

  private draw(): void {
    this.timer = undefined;
    for (const hit of this.waiting) {
      this.newest = (this.newest + 1) % ROWS_MAX;
      this.ring[this.newest] = rowOf(hit);
    }
    this.shown += this.waiting.length;
    this.waiting = [];
    this.count = this.ring.length;
    this.changed();
  }
}

async function refused(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  try {
    const said = JSON.parse(text) as { error?: string; code?: string; hint?: string; line?: number; column?: number };
    return new ApiProblem(response.status, said.code ?? "failed", said.error ?? text, said.hint ?? "", said.line ?? null, said.column ?? null);
  } catch {
    return new ApiProblem(response.status, "failed", text.slice(0, 300) || response.statusText);
  }
}
