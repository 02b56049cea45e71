// A real server, and clients of it.

import WebSocket from "ws";
import { Client, type ClientOptions } from "../../src/index.js";
import { freePorts, ServerProcess } from "../support/process.js";

/** For a server that keeps accounts and makes tokens that are good for a while only. */
export const ACCOUNTS = "[accounts]\nenabled = true\ntoken_s = 60\n";

/** One server, which can be killed and started again. */
export class TestServer extends ServerProcess {
  /** Browsers look for `localhost` at `[::]` first. */
  static async start(host = "127.0.0.1", more = ""): Promise<TestServer> {
    const server = new TestServer(await freePorts(), more, host);
    await server.run();
    return server;
  }

  token(subject: string, ttl = "12h", ...more: string[]): string {
    return this.command("token", "--sub", subject, "--org", "acme", "--ttl", ttl, ...more);
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
