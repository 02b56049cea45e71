// Puts nginx, HAProxy and Caddy, as the examples beside this folder have them, before a real server, and goes
// through each: `node deploy/check/proxies.mjs [nginx|haproxy|caddy ...]`. What isn't installed is skipped, and
// fails where it was named. Needs PARLOUR_BIN, openssl, and `npm ci` and `npm run build` done in bindings/web;
// with CHROMIUM_BIN a real browser goes through as well.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const READY_WITHIN_MS = 60_000;
const THROUGH_WITHIN_MS = 300_000;
const NAME = "chat.example.org";
/** Stands in an address for whoever asks a proxy about it, and must be in no log. */
const SECRET = "a-secret-that-no-log-has";

// Where Debian keeps servers, for those whose path is a user's.
process.env.PATH += `${delimiter}/usr/sbin${delimiter}/sbin`;

/** Each: how its example is turned into one for this folder and these ports, and how it is run. */
const PROXIES = {
  nginx: {
    example: "nginx.conf",
    changes: ({ folder, port, plain, upstream }) => [
      ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
      ["listen [::]:443 ssl;", ""],
      ["listen 80;", `listen 127.0.0.1:${plain};`],
      ["listen [::]:80;", ""],
      [`/etc/letsencrypt/live/${NAME}/fullchain.pem`, `${folder}/cert.pem`],
      [`/etc/letsencrypt/live/${NAME}/privkey.pem`, `${folder}/key.pem`],
      ["http://127.0.0.1:8080", `http://${upstream}`],
    ],
    around: (text, folder) =>
      `daemon off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log ${folder}/access.log;\n` +
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((what) => `${what}_temp_path ${folder}/${what};\n`)
        .join("") +
      `${text}}\n`,
    run: (file, folder) => ["-e", "stderr", "-p", folder, "-c", file],
  },
  haproxy: {
    example: "haproxy.cfg",
    changes: ({ folder, port, upstream }) => [
      [
        "bind :::443 v4v6 ssl crt /etc/haproxy/parlour.pem",
        `bind 127.0.0.1:${port} ssl crt ${folder}/both.pem`,
      ],
      ["log /dev/log local0", "log stdout format raw local0"],
      ["server parlour 127.0.0.1:8080", `server parlour ${upstream}`],
    ],
    around: (text) => text,
    run: (file) => ["-db", "-f", file],
  },
  caddy: {
    example: "Caddyfile",
    changes: ({ folder, port, plain, upstream }) => [
      [
        "{\n\tservers {",
        `{\n\tadmin off\n\thttp_port ${plain}\n\thttps_port ${port}\n\tauto_https disable_redirects\n\tservers {`,
      ],
      [`${NAME} {`, `${NAME}:${port} {\n\tbind 127.0.0.1\n\ttls ${folder}/cert.pem ${folder}/key.pem`],
      ["reverse_proxy 127.0.0.1:8080", `reverse_proxy ${upstream}`],
    ],
    around: (text) => text,
    run: (file) => ["run", "--adapter", "caddyfile", "--config", file],
  },
};

const named = process.argv.slice(2);
/** What is to end with this program, however it ends. */
const children = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const child of children) child.kill("SIGTERM");
    process.exit(1);
  });
}
await main();

async function main() {
  const strange = named.find((name) => !(name in PROXIES));
  if (strange) throw new Error(`no proxy ${strange}; there are ${Object.keys(PROXIES).join(", ")}`);
  if (!process.env.PARLOUR_BIN) throw new Error("PARLOUR_BIN names no server");
  let [passed, failed, skipped] = [0, 0, 0];
  for (const name of named.length > 0 ? named : Object.keys(PROXIES)) {
    if (named.length === 0 && !isInstalled(name)) {
      console.log(`skipped: ${name} isn't installed`);
      skipped += 1;
      continue;
    }
    try {
      await check(name);
      console.log(`passed: ${name}`);
      passed += 1;
    } catch (error) {
      console.error(`failed: ${name}: ${error.message}`);
      failed += 1;
    }
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}

async function check(name) {
  const folder = mkdtempSync(join(tmpdir(), `parlour-${name}-`));
  const running = [];
  try {
    certify(folder);
    const ports = { port: await freePort(), plain: await freePort(), http: await freePort() };
    running.push(await startServer(folder, ports.http, `https://${NAME}:${ports.port}`));
    const proxy = await startProxy(name, folder, ports);
    running.push(proxy);
    await goThrough(folder, ports.port);
    await stop(proxy.child);
    checkLog(name, proxy.said() + (await readIfThere(join(folder, "access.log"))));
  } finally {
    for (const { child } of running.reverse()) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own: it has to trust the certificate from its start. */
async function goThrough(folder, port) {
  const words = [join(HERE, "through.mjs"), String(port), SECRET, folder];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") };
  const child = keep(spawn(process.execPath, words, { env, stdio: "inherit", timeout: THROUGH_WITHIN_MS }));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("what goes through it doesn't all come out");
}

function checkLog(name, log) {
  if (log.includes(SECRET)) throw new Error("a secret address is in its log");
  const writesOne = name !== "caddy";
  if (writesOne && !log.includes("/parlour/v1/endpoints")) {
    throw new Error("nothing is in its log, so that no secret is proves nothing");
  }
}

async function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function isInstalled(name) {
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, name)));
}

function certify(folder) {
  const words = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", `/CN=${NAME}`, "-addext", `subjectAltName=DNS:${NAME}`];
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  execFileSync("openssl", [...words, ...names, ...files], { stdio: "pipe" });
  const both = ["cert.pem", "key.pem"].map((file) => readFileSync(join(folder, file), "utf8"));
  writeFileSync(join(folder, "both.pem"), both.join(""));
}

async function startServer(folder, httpPort, url) {
  const config = join(folder, "parlour.toml");
  const text = `listen = "127.0.0.1:0"\ndata = "data"\n[http]\nlisten = "127.0.0.1:${httpPort}"\nurl = "${url}"
[metrics]\ntoken_file = "metrics.txt"\n[drain]\ndeadline_s = 1\njitter_s = 1\n`;
  writeFileSync(config, text);
  writeFileSync(join(folder, "metrics.txt"), "a token\n");
  const server = await start(process.env.PARLOUR_BIN, ["serve", "--config", config], "parlour is ready");
  for (const subject of ["ada", "grace"]) {
    const words = ["token", "--config", config, "--org", "example", "--sub", subject];
    writeFileSync(join(folder, `${subject}.jwt`), execFileSync(process.env.PARLOUR_BIN, words));
  }
  return server;
}

async function startProxy(name, folder, ports) {
  const { example, changes, around, run } = PROXIES[name];
  let text = readFileSync(join(HERE, "../proxy", example), "utf8");
  for (const [from, to] of changes({ ...ports, folder, upstream: `127.0.0.1:${ports.http}` })) {
    if (!text.includes(from)) throw new Error(`${example} doesn't say: ${from}`);
    text = text.replaceAll(from, to);
  }
  const file = join(folder, example);
  writeFileSync(file, around(text, folder));
  mkdirSync(join(folder, "logs"));
  return await start(name, run(file, folder), ports.port);
}

/** A process that is ready when it says so, or when its port answers. */
async function start(program, words, ready) {
  const child = keep(spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] }));
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  child.stderr.on("data", (text) => (said += text));
  child.once("error", (error) => (said += error.message));
  const isReady = () => (typeof ready === "string" ? said.includes(ready) : answers(ready));
  const endMs = Date.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`${program} ended: ${said}`);
    if (Date.now() > endMs) throw new Error(`${program} isn't ready: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, said: () => said };
}

function keep(child) {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function answers(port) {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { redirect: "manual" });
    return true;
  } catch (error) {
    // It speaks TLS, so it is there.
    return error.cause?.code !== "ECONNREFUSED";
  }
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
