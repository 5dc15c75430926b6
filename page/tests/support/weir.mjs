// A weir on sample traffic: the one at WEIR_SERVER, or a demo of WEIR_BINARY that is started and ended here.

import { spawn } from "node:child_process";
import { createServer } from "node:net";

const READY_MS = 180_000;

export async function startWeir() {
  const given = process.env.WEIR_SERVER;
  if (given) return { weir: given.replace(/\/$/, ""), stop: () => undefined };
  const binary = process.env.WEIR_BINARY;
  if (!binary) throw new Error("name a running weir in WEIR_SERVER, or the program in WEIR_BINARY");
  const port = await freePort();
  const child = spawn(binary, ["demo", "--listen", `127.0.0.1:${port}`, "--duration", "1h"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => {
    said = (said + piece).slice(-4000);
  });
  const weir = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`weir ended: ${said}`);
    return (await answerOf(`${weir}/-/ready`)) !== undefined;
  });
  return { weir, stop: () => child.kill() };
}

/** Waits until something is so; what it waits for happens elsewhere, so it has to be asked for. */
export async function until(isSo, limitMs = READY_MS) {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not so after ${limitMs} ms: ${isSo}`);
}

async function answerOf(address) {
  try {
    const response = await fetch(address);
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

/** The whole day of the demo is there when as many records are found twice in a row. */
export async function untilLoaded(api) {
  let before = -1;
  const span = { from: new Date(Date.now() - 25 * 3_600_000).toISOString(), to: new Date(Date.now() - 60_000).toISOString() };
  await until(async () => {
    const { total } = await api("api/search", { ...span, limit: 0 });
    const isSame = total > 1000 && total === before;
    before = total;
    if (!isSame) await new Promise((resolve) => setTimeout(resolve, 1000));
    return isSame;
  });
}

/** Asks the API without the page. */
export function apiOf(weir) {
  return async (path, query = {}, body = undefined) => {
    const address = new URL(path, `${weir}/`);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
    const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(address, options);
    if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
