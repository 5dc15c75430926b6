// Stack traces in messages: which lines are frames, and which of them say nothing, so that fifty lines become the five
// that matter.

export interface TraceBlock {
  kind: "text" | "frames";
  lines: string[];
}

const FRAME = [
  /^\s+at\s+\S/, // Java, JavaScript, C#
  /^\s*\.\.\. \d+ (more|common frames)/,
  /^\s*File ".*", line \d+/, // Python
  /^\s+\S+\(.*:\d+\)\s*$/, // indented Java without `at`
  /^\s*#\d+ /, // PHP, gdb
  /^\s*from \S+:\d+:in /, // Ruby
  /^\s+\S+\.(go|rs|c|cpp|rb|py|ex|exs|erl|php):\d+/, // Go, Rust, and others
  /^\s*\d+: (0x[0-9a-f]+ - )?\S+::\S+/, // Rust
  /^(goroutine \d+ \[|created by )/,
];

export function isFrame(line: string): boolean {
  return FRAME.some((pattern) => pattern.test(line));
}

/** The text in blocks: what people wrote, and runs of frames. The code line under a Python frame belongs to it. */
export function blocksOf(text: string): TraceBlock[] {
  const blocks: TraceBlock[] = [];
  let isBehindPythonFrame = false;
  for (const line of text.split("\n")) {
    const isPythonCode = isBehindPythonFrame && /^\s{4,}\S/.test(line);
    const kind = isFrame(line) || isPythonCode ? "frames" : "text";
    isBehindPythonFrame = /^\s*File "/.test(line);
    const last = blocks[blocks.length - 1];
    if (last?.kind === kind) last.lines.push(line);
    else blocks.push({ kind, lines: [line] });
  }
  return blocks;
}

/** Frames that are shown of a folded run: the first say where it broke. */
export const FRAMES_SHOWN = 3;

export function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
