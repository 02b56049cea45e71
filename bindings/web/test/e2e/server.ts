// A real server process on free ports, in a folder of its own.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { Client, type ClientOptions } from "../../src/index.js";

const READY_WITHIN_MS = 20_000;
const CONFIGURATION = "[drain]\ndeadline_s = 2\njitter_s = 1\n";
/** For a server that keeps accounts and makes tokens that are good for a while only. */
export const ACCOUNTS = "[accounts]\nenabled = true\ntoken_s = 60\n";

function program(): string {
  const path = process.env.PARLOUR_BIN;
  if (!path) throw new Error("PARLOUR_BIN names no server to test against");
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** One server, which can be killed and started again. */
export class TestServer {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly udpPort: number,
    readonly httpPort: number,
    private readonly host: string,
  ) {}

  /** Browsers look for `localhost` at `[::]` first. */
  static async start(host = "127.0.0.1", more = ""): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "parlour-web-"));
    writeFileSync(join(folder, "parlour.toml"), CONFIGURATION + more);
    const server = new TestServer(folder, await freePort(), await freePort(), host);
    await server.run();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.httpPort}`;
  }

  async run(): Promise<void> {
    const data = ["--config", join(this.folder, "parlour.toml"), "--data", join(this.folder, "data")];
    const ports = ["--listen", `${this.host}:${this.udpPort}`, "--http", `127.0.0.1:${this.httpPort}`];
    const child = spawn(program(), ["serve", ...data, ...ports], { stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    process.once("exit", () => child.kill("SIGKILL"));
    let said = "";
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text.toString();
        if (said.includes("parlour is ready")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(`the server ended: ${said}`)));
      setTimeout(() => reject(new Error(`the server isn't ready: ${said}`)), READY_WITHIN_MS).unref();
    });
    await ready;
  }

  /** Ends it as a power cut would, or politely, by its own id. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  token(subject: string, ttl = "12h", ...more: string[]): string {
    return this.command("token", "--sub", subject, "--org", "acme", "--ttl", ttl, ...more).trim();
  }

  /** What the server's command line prints. */
  command(...command: string[]): string {
    const where = ["--config", join(this.folder, "parlour.toml"), "--data", join(this.folder, "data")];
    return execFileSync(program(), [...command, ...where], { stdio: ["ignore", "pipe", "pipe"] }).toString();
  }

  /** A client of this server, over WebSocket. */
  connect(subject: string, options: Partial<ClientOptions> = {}): Promise<Client> {
    return Client.connect(this.options(subject, options));
  }

  options(subject: string, options: Partial<ClientOptions> = {}): ClientOptions {
    const token = this.token(subject);
    return { url: this.url, token, webSocket: WebSocket, ...options };
  }
}

/** Waits until something is so. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  withinMs = 40_000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
