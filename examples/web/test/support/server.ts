/** A real server for the app, and people who are at it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, type SocketConstructor } from "@parlour/client";
import WebSocket from "ws";
import { freePorts, ServerProcess } from "../../../../bindings/web/test/support/process.ts";

export { freePort } from "../../../../bindings/web/test/support/process.ts";

const ORGANIZATION = "meridian";
const realNow = Date.now.bind(Date);

/** One server, which can be killed and started again. */
export class TestServer extends ServerProcess {
  /** By how much its clock, and that of this process, is behind; only with `FAKETIME_LIB`. */
  private behindMs = 0;

  /** With more of a configuration, if need be; with `FAKETIME_LIB`, at another time than now. */
  static async start(more = "", atMs?: number): Promise<TestServer> {
    const server = new TestServer(await freePorts(), more);
    if (atMs !== undefined) server.setTime(atMs);
    await server.run();
    return server;
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

  protected override environment(): NodeJS.ProcessEnv {
    const library = process.env.FAKETIME_LIB;
    if (!library) return process.env;
    const clock = join(this.folder, "clock");
    writeFileSync(clock, `-${(this.behindMs / 1000).toFixed(3)}`);
    const faked = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: "1" };
    return { ...process.env, ...faked, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  }

  /** A token for somebody. */
  token(subject: string, name?: string): string {
    const named = name ? ["--name", name] : [];
    return this.command("token", "--sub", subject, "--org", ORGANIZATION, ...named, "--ttl", "20d");
  }

  /** Makes the organization what a file says. */
  apply(directory: string): void {
    const file = join(this.folder, "directory.toml");
    writeFileSync(file, directory);
    this.command("admin", "apply", file, "--yes");
  }

  /** Somebody's client, in this process. */
  connect(subject: string, name?: string): Promise<Client> {
    const webSocket = WebSocket as unknown as SocketConstructor;
    return Client.connect({ url: this.url, token: this.token(subject, name), webSocket });
  }
}
