// A weir that wants to know who asks, with a reader and an administrator, a few records and a reject.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, until } from "./weir.mjs";

export const PASSWORDS = { reader: "reads-only-7", boss: "does-everything-8" };

export async function startGuarded(binary) {
  const folder = await mkdtemp(join(tmpdir(), "weir-guarded-"));
  const port = await freePort();
  for (const [name, password] of Object.entries(PASSWORDS)) await writeFile(join(folder, `${name}.password`), password);
  const users = [["reader", "read"], ["boss", "admin"]].map(([name, role]) => `{name: ${name}, password_file: ${join(folder, `${name}.password`)}, roles: [${role}]}`);
  const config = `version: 1\ndata_dir: ${join(folder, "data")}\nhttp: {listen: "127.0.0.1:${port}", auth: {users: [${users.join(", ")}]}}\nsources:\n- {name: app, type: http}\n`;
  await writeFile(join(folder, "weir.yaml"), config);
  const child = spawn(binary, ["serve", "-c", join(folder, "weir.yaml")], { stdio: "ignore" });
  const weir = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${weir}/-/ready`).catch(() => undefined))?.ok);
  const authorization = `Basic ${Buffer.from(`boss:${PASSWORDS.boss}`).toString("base64")}`;
  await fetch(`${weir}/ingest/ndjson`, { method: "POST", body: "no json at all", headers: { authorization } });
  const body = Array.from({ length: 20 }, (_, index) => JSON.stringify({ message: `hello ${index}`, level: index % 8, tenant: "acme" })).join("\n");
  await fetch(`${weir}/ingest/ndjson`, { method: "POST", body, headers: { authorization } });
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { weir, stop };
}
