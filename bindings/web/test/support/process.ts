/**
 * A real server process on free ports, in a folder of its own; `PARLOUR_BIN` names the program. The web client's tests
 * start theirs with it as well, so it knows neither of the two.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_WITHIN_MS = 30_000;
const CONFIGURATION = "[drain]\ndeadline_s = 2\njitter_s = 1\n";

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

/** Where a server listens. */
export interface Ports {
  readonly udp: number;
  readonly http: number;
}

/** Ports for one server. */
export async function freePorts(): Promise<Ports> {
  return { udp: await freePort(), http: await freePort() };
}

/** One server, which can be killed and started again. */
export class ServerProcess {
  readonly udpPort: number;
  readonly httpPort: number;
  protected readonly folder = mkdtempSync(join(tmpdir(), "parlour-web-"));
  private child: ChildProcess | undefined;

  /** With more of a configuration, if need be. Browsers look for `localhost` at `[::]` first. */
  protected constructor(
    ports: Ports,
    configuration: string,
    private readonly host = "[::]",
  ) {
    this.udpPort = ports.udp;
    this.httpPort = ports.http;
    writeFileSync(join(this.folder, "parlour.toml"), CONFIGURATION + configuration);
  }

  get url(): string {
    return `http://localhost:${this.httpPort}`;
  }

  /** Starts it, and waits until it is ready. */
  async run(): Promise<void> {
    const ports = ["--listen", `${this.host}:${this.udpPort}`, "--http", `127.0.0.1:${this.httpPort}`];
    const child = spawn(program(), ["serve", ...this.where, ...ports], {
      stdio: ["ignore", "pipe", "pipe"],
      env: this.environment(),
    });
    this.child = child;
    process.once("exit", () => child.kill("SIGKILL"));
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

  /** Ends it as a power cut would, or politely, by its own id. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the server's command line prints. */
  command(...command: string[]): string {
    const options = { stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };
    return execFileSync(program(), [...command, ...this.where], { ...options, env: this.environment() })
      .toString()
      .trim();
  }

  /** What the program is started with. */
  protected environment(): NodeJS.ProcessEnv {
    return process.env;
  }

  private get where(): string[] {
    return ["--config", join(this.folder, "parlour.toml"), "--data", join(this.folder, "data")];
  }
}

function program(): string {
  const path = process.env.PARLOUR_BIN;
  if (!path) throw new Error("PARLOUR_BIN names no server to test against");
  return path;
}
