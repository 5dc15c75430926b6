// The built page beside a running weir, for a weir that does not serve it by itself: files of `dist`, everything else
// passed on, with the same strict policy.

import { createReadStream, existsSync } from "node:fs";
import http from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Serves at a free port; the answer is its address. */
export function servePage(weir) {
  const server = http.createServer((request, response) => {
    const path = new URL(request.url, "http://page").pathname;
    const file = path === "/" ? "index.html" : normalize(path).replace(/^\/+/, "");
    const isFile = (path === "/" || path.startsWith("/assets/")) && existsSync(join(DIST, file));
    if (!isFile) return passOn(weir, request, response);
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-security-policy": POLICY });
    createReadStream(join(DIST, file)).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() }));
  });
}

function passOn(weir, request, response) {
  const { hostname, port } = new URL(weir);
  const headers = { ...request.headers, host: `${hostname}:${port}` };
  const asked = http.request({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on("error", () => response.destroy());
  response.on("close", () => asked.destroy());
  request.pipe(asked);
}
