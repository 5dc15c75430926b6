// A shop with a day behind it and an incident that goes on: what routes, objectives, alerts and sources are tested on.
//
// `weir demo` has no promises, so nothing there ever fires. Here a real server reads a real nginx log in which the
// payment route fails since some minutes, with the application's errors behind it, lines that are no records, and
// texts that would like to be markup. All of it comes from one seed, so that tests know what to look for.

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Markup as a route of a client's choice, of a service that names no routes. */
export const HOSTILE_PATH = "/<img/src=x/onerror=window.isHacked=1>";
/** Markup and a right-to-left override as the message of an error. */
export const HOSTILE_MESSAGE = "<script>window.isHacked=1</script> \u202egnp.exe <img src=x onerror=window.isHacked=1>";
/** Lines that are no records; the last can be mended. */
export const REJECTED_LINES = [
  "this is no JSON at all <b>bold</b>",
  '{"msec":"yesterday","status":"200"}',
  '{"time_iso8601":"NOW","status":"200","request_method":"GET","host":"shop.example.com","request_uri":"/api/v1/search?q=mended","request_time":"0.02"',
];

const INCIDENT_SECONDS = 1800;
const ROUTES = [
  ["GET", (random) => `/api/v1/orders/${1000 + Math.floor(random() * 9000)}`, 0.05, 24],
  ["GET", (random) => `/api/v1/products/${Math.floor(random() * 500)}`, 0.02, 40],
  ["GET", () => "/api/v1/search", 0.11, 14],
  ["POST", () => "/api/v1/pay", 0.16, 10],
  ["GET", (random) => `/static/app-${Math.floor(random() * 9)}.css`, 0.003, 12],
];

/** Numbers from 0 to 1 that are the same each time. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

function requestAt(second, endsAt, random, index) {
  let pick = random() * 100;
  const [method, path, median] = ROUTES.find((route) => (pick -= route[3]) <= 0) ?? ROUTES[0];
  const isFailing = method === "POST" && (second > endsAt - INCIDENT_SECONDS || isEarlier(second, endsAt));
  const spread = Math.exp((random() + random() + random() - 1.5) * 1.1);
  const failed = isFailing ? random() < 0.35 : random() < 0.0012;
  const seconds = median * spread * (isFailing ? 6 : 1);
  return { second, method, path: path(random), seconds, status: failed ? 503 : random() < 0.02 ? 404 : 200, id: `req${index.toString(16).padStart(12, "0")}` };
}

/** Another incident, fourteen hours before. */
function isEarlier(second, endsAt) {
  return second > endsAt - 50_400 && second < endsAt - 49_200;
}

function nginxLine(request, host = "shop.example.com") {
  return `${JSON.stringify({
    msec: `${request.second}.${String(Math.floor(request.seconds * 997) % 1000).padStart(3, "0")}`,
    host,
    request_method: request.method,
    request_uri: request.path,
    status: String(request.status),
    request_time: request.seconds.toFixed(3),
    bytes_sent: "1200",
    remote_addr: "203.0.113.7",
    request_id: request.id,
    upstream_addr: "10.0.1.11:8080",
  })}\n`;
}

function gelfMessage(request, index) {
  const text = index % 7 === 0 ? HOSTILE_MESSAGE : `PaymentGatewayTimeout: no answer from acquirer for order ${1000 + index}`;
  return JSON.stringify({
    version: "1.1",
    timestamp: request.second + 0.5,
    host: "app-1",
    level: 3,
    short_message: text,
    full_message: `${text}\n\tat com.example.payment.PaymentClient.capture(PaymentClient.java:71)\n\tat com.example.shop.order.OrderService.place(OrderService.java:214)`,
    _request_id: request.id,
    _user_email: `customer${index % 5}@example.com`,
    _api_method: "/api/v1/pay",
    _controller: "PaymentController",
  });
}

function traffic(startsAt, endsAt, incidentEndsAt, seed) {
  const random = seeded(seed);
  const lines = [];
  const errors = [];
  for (let second = startsAt; second < endsAt; second += random() < 0.75 ? 1 : 2) {
    const request = requestAt(second, incidentEndsAt, random, second);
    lines.push(nginxLine(request));
    if (request.status >= 500 && request.method === "POST") errors.push(gelfMessage(request, errors.length));
    if (random() < 0.01) lines.push(nginxLine({ ...request, method: "GET", path: HOSTILE_PATH, status: 404, id: `x${request.id}` }, "files.example.com"));
  }
  return { lines, errors };
}

async function freePort() {
  const server = createTcpServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

async function sendErrors(port, errors) {
  const socket = connect(port, "127.0.0.1");
  await new Promise((connected, failed) => socket.once("connect", connected).once("error", failed));
  for (const error of errors) socket.write(`${error}\0`);
  await new Promise((ended) => socket.end(ended));
}

/** Takes messages to the receiver `pager`, and refuses those to `broken`. */
async function startReceiver() {
  const deliveries = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      if (request.url === "/pager") deliveries.push(JSON.parse(body));
      response.writeHead(request.url === "/pager" ? 200 : 503).end("later");
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { server, deliveries, url: `http://127.0.0.1:${server.address().port}` };
}

function configText(folder, ports, receiver, authText) {
  return `version: 1
data_dir: ${folder}/data
http: {listen: "127.0.0.1:${ports.http}", external_url: "http://127.0.0.1:${ports.http}/"${authText}}
sources:
  - {name: nginx, type: file, path: ${folder}/access.json, format: nginx_json}
  - {name: errors, type: gelf, tcp: "127.0.0.1:${ports.gelf}"}
  - {name: billing, type: redis, url: "redis://127.0.0.1:${ports.closed}", key: logs}
services:
  - name: shop
    match: {host: ["shop.example.com"]}
    routes: ["/api/v1/orders/{id}", "/api/v1/products/{id}", /api/v1/search, /api/v1/pay, "/static/**"]
  - {name: files, match: {host: ["files.example.com"]}}
  - {name: invoices, match: {source: [billing]}}
unmatched_routes: raw
slas:
  - name: shop-latency
    service: shop
    source: nginx
    by: [route, method]
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    time_window: 1d
    only: [{route: /api/v1/pay, method: POST}, {route: /api/v1/search, method: GET}, {route: "/api/v1/orders/{id}", method: GET}, {route: "/api/v1/products/{id}", method: PUT}]
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 2m, min_events: 10, severity: page}]
    labels: {team: core}
  - name: shop-availability
    service: shop
    source: nginx
    indicator: {ratio: {bad: "status:>=500"}}
    objective: 99.5
    time_window: 7d
    alerting: [{kind: burnrate}]
  - {name: invoices-availability, service: invoices, source: billing, indicator: {ratio: {bad: "status:>=500"}}, objective: 99}
alerts:
  - {name: PaymentsFail, kind: threshold, query: "source:errors AND level:<=3", by: [controller], window: 5m, above: 5}
  - {name: HostileMessages, kind: threshold, query: "source:errors", by: [message], window: 10m, above: 1, severity: ticket}
notifications:
  route:
    receiver: pager
    group_by: [alertname]
    group_wait: 2s
    group_interval: 10s
    repeat_interval: 1h
    routes: [{receiver: broken, matchers: ['severity="ticket"']}]
  receivers:
    - {name: pager, webhook_configs: [{url: "${receiver.url}/pager"}]}
    - {name: broken, webhook_configs: [{url: "${receiver.url}/broken"}]}
`;
}

async function until(question, seconds, what) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const answer = await question().catch(() => false);
    if (answer) return answer;
    await new Promise((later) => setTimeout(later, 200));
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}

/**
 * Starts the server on a day of traffic and goes on writing while it runs.
 * `auth` is what stands behind `external_url` in `http`, as `, auth: {users: [...]}`.
 */
export async function startShop({ binary, port, auth = "", hours = 24, isLive = true }) {
  const folder = await mkdtemp(join(tmpdir(), "weir-page-"));
  const ports = { http: port ?? (await freePort()), gelf: await freePort(), closed: await freePort() };
  const receiver = await startReceiver();
  const now = Math.floor(Date.now() / 1000);
  const past = traffic(now - hours * 3600, now - 1, now, 7);
  const rejected = REJECTED_LINES.map((line) => `${line.replace("NOW", new Date((now - 60) * 1000).toISOString())}\n`);
  const log = join(folder, "access.json");
  await writeFile(log, [...past.lines, ...rejected].join(""));
  const config = join(folder, "weir.yaml");
  await writeFile(config, configText(folder, ports, receiver, auth));
  const output = [];
  const server = spawn(binary, ["serve", "-c", config], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (part) => output.push(String(part)));
  const url = `http://127.0.0.1:${ports.http}`;
  const isReady = async () => {
    if (server.exitCode !== null) throw new Error(`weir ended:\n${output.join("")}`);
    return (await fetch(`${url}/-/ready`)).ok;
  };
  await until(isReady, 30, "the server").catch((error) => { throw new Error(`${error.message}\n${output.join("")}`); });
  await sendErrors(ports.gelf, past.errors);
  await until(async () => {
    const { sources } = await (await fetch(`${url}/api/sources`)).json();
    const received = (name) => sources.find((source) => source.name === name)?.received ?? 0;
    return received("nginx") >= past.lines.length + rejected.length && received("errors") >= past.errors.length;
  }, 60, "all lines");
  let writtenTo = now - 1;
  const write = async () => {
    const second = Math.floor(Date.now() / 1000);
    const more = traffic(writtenTo, second, second, writtenTo);
    writtenTo = second;
    await appendFile(log, more.lines.join(""));
    if (more.errors.length > 0) await sendErrors(ports.gelf, more.errors);
  };
  const timer = isLive ? setInterval(() => void write().catch(() => {}), 2000) : undefined;
  return {
    url,
    folder,
    receiver,
    until,
    output,
    config: () => readFile(config, "utf8"),
    async stop() {
      clearInterval(timer);
      const ended = new Promise((over) => server.once("exit", over));
      server.kill("SIGTERM");
      await ended;
      receiver.server.closeAllConnections();
      await new Promise((closed) => receiver.server.close(closed));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
