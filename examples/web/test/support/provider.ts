/** A real identity provider beside the server. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "./server.ts";

const READY_WITHIN_MS = 20_000;

/** One provider. Where its users come back to has to be known before it is there. */
export class TestProvider {
  private process: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  /** A port for one. */
  static async reserve(): Promise<TestProvider> {
    return new TestProvider(await freePort());
  }

  get issuer(): string {
    return `http://localhost:${this.port}`;
  }

  /** Starts it; it forgets everybody each time. */
  async run(redirectUri: string, tokenSeconds: number): Promise<void> {
    const args = [
      join(import.meta.dirname, "identity-provider.mjs"),
      `${this.port}`,
      redirectUri,
      `${tokenSeconds}`,
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text.toString();
        if (said.includes("ready")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(`the provider ended: ${said}`)));
      setTimeout(() => reject(new Error(`the provider isn't ready: ${said}`)), READY_WITHIN_MS).unref();
    });
  }

  /** From now on it waits so long between taking a refresh token and giving the next. */
  async slow(ms: number): Promise<void> {
    await fetch(`${this.issuer}/slow?ms=${ms}`);
  }

  /** How many refresh tokens it has taken. */
  async refreshed(): Promise<number> {
    return Number(await (await fetch(`${this.issuer}/refreshed`)).text());
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}
