// Goes through a proxy on this machine as clients do, and fails on the first thing that comes out otherwise than
// without one. Run by proxies.mjs: PORT SECRET FOLDER, where the tokens are.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "../../bindings/web/dist/index.js";

const [port, secret, folder] = process.argv.slice(2);
const NAME = "chat.example.org";
const base = `https://${NAME}:${port}`;
/** Longer than two of the server's pings are apart: what doesn't carry them ends a quiet connection. */
const QUIET_MS = 45_000;
/** Over nginx's usual bound, under the example's. */
const FILE_BYTES = 8 * 1024 * 1024;
/** Several times what one address may guess at once. */
const GUESSES = 1000;
const GUESSES_AT_ONCE = 50;
/** A machine that does much else starts a browser slowly. */
const BROWSER_WITHIN_MS = 90_000;

const require = createRequire(fileURLToPath(new URL("../../bindings/web/package.json", import.meta.url)));
const WebSocket = require("ws");
const token = (subject) => readFileSync(join(folder, `${subject}.jwt`), "utf8").trim();

// The name of the examples is this machine.
const { lookup } = dns;
dns.lookup = (name, options, then) => {
  const local = { address: "127.0.0.1", family: 4 };
  if (name !== NAME) return lookup(name, options, then);
  return options.all ? then(null, [local]) : then(null, local.address, local.family);
};

await pages();
await origins();
await files();
if (process.env.CHROMIUM_BIN) await browser();
await chat();
await guesses();
process.exit(0);

async function pages() {
  const ready = await fetch(`${base}/readyz`);
  assert.equal(await ready.text(), "ready\n");
  assert.equal(
    (await fetch(`${base}/metrics`, { headers: { authorization: "Bearer a token" } })).status,
    404,
  );
  const endpoints = await (await fetch(`${base}/parlour/v1/endpoints`)).json();
  assert.ok(endpoints.websocket.path);
  // The policy of the page names the host that the browser asked.
  const policy = (await fetch(`${base}/`)).headers.get("content-security-policy");
  if (policy) assert.ok(policy.includes(`wss://${NAME}:${port}`), policy);
  const hook = await fetch(`${base}/parlour/v1/hooks/${secret}`, { method: "POST", body: "{}" });
  assert.ok(hook.status >= 400 && hook.status < 500, `hooks answer ${hook.status}`);
}

/** Pages of this host may open a WebSocket, those of another may not. */
async function origins() {
  const { websocket } = await (await fetch(`${base}/parlour/v1/endpoints`)).json();
  const dial = (origin) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`wss://${NAME}:${port}${websocket.path}`, { origin });
      socket.once("open", () => resolve(socket.terminate() ?? 101));
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode));
      socket.once("error", (error) => resolve(error.message));
    });
  assert.equal(await dial(base), 101);
  assert.equal(await dial("https://elsewhere.example"), 403);
}

async function files() {
  const call = async (method, body) => {
    const headers = { authorization: `Bearer ${token("ada")}`, "content-type": "application/json" };
    const answer = await fetch(`${base}/parlour/v1/rpc/${method}?plain`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  const bytes = randomBytes(FILE_BYTES);
  const { url } = await call("BlobService.LinkUpload", { upload: randomUUID(), size: FILE_BYTES });
  assert.ok(url.startsWith(base), url);
  const stored = await fetch(url, { method: "PUT", body: bytes });
  assert.equal(stored.status, 201, await stored.text());
}

async function chat() {
  const options = (subject) => ({ url: base, token: token(subject), webSocket: WebSocket });
  const [ada, grace] = await Promise.all(["ada", "grace"].map((subject) => Client.connect(options(subject))));
  const room = await ada.openDirect({ subject: "grace" });
  const said = async (text) => {
    for (;;) {
      const hers = grace.rooms.items.find(({ id }) => id === room.id);
      if (hers) {
        const timeline = await grace.room(hers.id).timeline();
        const there = timeline.items.some((item) => item.type === "message" && item.text === text);
        timeline.close();
        if (there) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await room.send("hello");
  await said("hello");
  const states = [];
  for (const client of [ada, grace]) client.state.subscribe(() => states.push(client.state.current));
  const before = states.length;
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  assert.deepEqual(states.slice(before), [], "a quiet connection was lost");
  await room.send("still there");
  await said("still there");
  await Promise.all([ada.disconnect(), grace.disconnect()]);
}

/** Wrong tokens count for the address they come from, whatever a client says where that is. */
async function guesses() {
  // Of the right form, with another signature.
  const wrong = `${token("ada").slice(0, -4)}AAAA`;
  const guess = async (nth) => {
    const headers = { authorization: `Bearer ${wrong}`, "x-forwarded-for": `192.0.2.${nth}` };
    const answer = await fetch(`${base}/parlour/v1/rpc/UserService.GetUsers`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: "{}",
    });
    return answer.status;
  };
  const statuses = [];
  // Many at once: the bound lets one a second through for good, which a slow machine would never go over.
  while (statuses.length < GUESSES && !statuses.includes(429)) {
    const from = statuses.length;
    const guessed = Array.from({ length: GUESSES_AT_ONCE }, (_, nth) => guess((from + nth) % 250));
    statuses.push(...(await Promise.all(guessed)));
  }
  assert.ok(statuses.includes(401), `guesses are answered ${statuses[0]}`);
  assert.ok(statuses.includes(429), "a client says itself where it comes from, so that it may guess on");
}

/** A page of this host in Chromium, which may put a WebSocket on a connection of HTTP/2. */
async function browser() {
  const { chromium } = require("playwright-core");
  const args = ["--no-sandbox", `--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
  const running = await chromium.launch({
    executablePath: process.env.CHROMIUM_BIN,
    args,
    timeout: BROWSER_WITHIN_MS,
  });
  try {
    const page = await running.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`${base}/healthz`, { timeout: BROWSER_WITHIN_MS });
    const opened = await page.evaluate(async () => {
      const { websocket } = await (await fetch("/parlour/v1/endpoints")).json();
      const socket = new WebSocket(`wss://${location.host}${websocket.path}`);
      return new Promise((resolve) => {
        socket.onopen = () => resolve("open");
        socket.onclose = (event) => resolve(`closed with ${event.code}`);
      });
    });
    assert.equal(opened, "open", "in Chromium");
  } finally {
    await running.close();
  }
}
