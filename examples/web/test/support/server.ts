/** A real server process on free ports, in a folder of its own. `PARLOUR_BIN` names the program. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type SocketConstructor } from "@parlour/client";
import WebSocket from "ws";

const READY_WITHIN_MS = 30_000;
const CONFIGURATION = "[drain]\ndeadline_s = 2\njitter_s = 1\n";
const ORGANIZATION = "meridian";
const realNow = Date.now.bind(Date);

function program(): string {
  const path = process.env.PARLOUR_BIN;
  if (!path) throw new Error("PARLOUR_BIN names no server to test against");
  return path;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
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

  /** By how much its clock, and that of this process, is behind; only with `FAKETIME_LIB`. */
  private behindMs = 0;

  private constructor(
    private readonly folder: string,
    readonly udpPort: number,
    readonly httpPort: number,
  ) {}

  /** With more of a configuration, if need be; with `FAKETIME_LIB`, at another time than now. */
  static async start(more = "", atMs?: number): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), "parlour-app-"));
    writeFileSync(join(folder, "parlour.toml"), CONFIGURATION + more);
    const server = new TestServer(folder, await freePort(), await freePort());
    if (atMs !== undefined) server.setTime(atMs);
    await server.run();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.httpPort}`;
  }

  private get data(): string {
    return join(this.folder, "data");
  }

  async run(): Promise<void> {
    // Browsers look for `localhost` at `[::]` first.
    const ports = ["--listen", `[::]:${this.udpPort}`, "--http", `127.0.0.1:${this.httpPort}`];
    const args = ["--config", join(this.folder, "parlour.toml"), "serve", "--data", this.data, ...ports];
    const child = spawn(program(), args, { stdio: ["ignore", "pipe", "pipe"], env: this.environment() });
    this.process = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text.toString();
        if (said.includes("parlour is ready")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(`the server ended: ${said}`)));
      setTimeout(() => reject(new Error(`the server isn't ready: ${said}`)), READY_WITHIN_MS).unref();
    });
  }

  /**
   * Sets the clock of the server and of this process to a time in the past, so that what is said stands on the days
   * it is to stand on. `FAKETIME_LIB` names the library of the program `faketime`; without it nothing happens.
   */
  setTime(atMs: number): void {
    if (!process.env.FAKETIME_LIB) return;
    this.behindMs = Math.max(realNow() - atMs, 0);
    writeFileSync(join(this.folder, "clock"), `-${(this.behindMs / 1000).toFixed(3)}`);
    Date.now = () => realNow() - this.behindMs;
  }

  private environment(): NodeJS.ProcessEnv {
    const library = process.env.FAKETIME_LIB;
    if (!library) return process.env;
    const clock = join(this.folder, "clock");
    writeFileSync(clock, `-${(this.behindMs / 1000).toFixed(3)}`);
    const faked = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: "1" };
    return { ...process.env, ...faked, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  }

  /** Ends it as a power cut would, by its own id. */
  async kill(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A token for somebody. */
  token(subject: string, name?: string): string {
    const who = ["--sub", subject, "--org", ORGANIZATION, ...(name ? ["--name", name] : [])];
    const args = ["token", ...who, "--ttl", "20d", "--data", this.data];
    const options = {
      stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"],
      env: this.environment(),
    };
    return execFileSync(program(), args, options).toString().trim();
  }

  /** What the server's command line prints. */
  command(...command: string[]): string {
    const where = ["--config", join(this.folder, "parlour.toml"), "--data", this.data];
    const options = { stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };
    return execFileSync(program(), [...command, ...where], options)
      .toString()
      .trim();
  }

  /** Makes the organization what a file says. */
  apply(directory: string): void {
    const file = join(this.folder, "directory.toml");
    writeFileSync(file, directory);
    execFileSync(program(), ["admin", "apply", file, "--yes", "--data", this.data], { stdio: "pipe" });
  }

  /** Somebody's client, in this process. */
  connect(subject: string, name?: string): Promise<Client> {
    const webSocket = WebSocket as unknown as SocketConstructor;
    return Client.connect({ url: this.url, token: this.token(subject, name), webSocket });
  }
}
