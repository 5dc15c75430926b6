// What the compiler does not see: how long files are, words outside of `src/text`, and ways by which a log's text could
// become markup.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const LINES_MAX = 300;
const FORBIDDEN = [
  [/innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write/, "log text is always text, never markup"],
  [/\beval\(|new Function\(/, "no code is made of text"],
  [/https?:\/\/(?!www\.w3\.org)/, "the page works without any other host"],
  [/\/(?:work|home|root)\//, "no path of a machine"],
];

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const found = [];
for (const path of ["src", "tests", "bench", "tools"].flatMap(files).filter((path) => /\.(ts|tsx|mjs|css)$/.test(path))) {
  const lines = readFileSync(path, "utf8").split("\n");
  if (lines.length > LINES_MAX + 1) found.push(`${path}: ${lines.length} lines, more than ${LINES_MAX}`);
  if (/\.(ts|tsx|mjs)$/.test(path) && !path.endsWith(".test.ts") && !lines[0].startsWith("//")) found.push(`${path}:1: say why this file is there`);
  lines.forEach((line, index) => {
    if (line.length > 180) found.push(`${path}:${index + 1}: ${line.length} characters, more than 180`);
    if (!path.startsWith("src") || path.endsWith(".test.ts")) return;
    for (const [pattern, reason] of FORBIDDEN) {
      if (pattern.test(line)) found.push(`${path}:${index + 1}: ${reason}`);
    }
  });
}
for (const line of found) console.error(line);
process.exit(found.length > 0 ? 1 : 0);
