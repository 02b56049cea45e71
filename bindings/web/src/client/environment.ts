/** What a client needs of where it runs: time, randomness, carriers, a place to keep things. */

import type { Cache } from "../core/cache/cache.js";
import type { Focus } from "../core/engine/core.js";
import { type DeviceId, idOf } from "../ids.js";
import type { Memory } from "../net/endpoints.js";
import { isWebKit, type Stadium } from "../net/race.js";
import type { SocketConstructor } from "../net/websocket.js";
import type { Now } from "../time.js";

/** Tokens of something that outlives them, such as the `Login` of `@parlour/client/sign-in`. */
export interface TokenKeeper {
  /** A token: another one than the last when `fresh`. What is refused for good stops the client. */
  token(fresh: boolean): Promise<string>;
  /** The installation that it is for. */
  readonly device?: DeviceId;
}

/** A token or a program's key, or where to get one: `fresh` when the last one was refused or runs out. */
export type TokenSource = string | ((fresh: boolean) => string | Promise<string>) | TokenKeeper;

/** Whether a token that was revoked may be followed by another one. */
export function outlivesTokens(source: TokenSource): boolean {
  return typeof source === "string" ? source.startsWith("parlour_") : typeof source === "object";
}

/** What a client needs to know. */
export interface ClientOptions {
  /** The server's HTTP address, such as `https://chat.example.com`. */
  url: string;
  /** The token, or a function that gets one. With a text alone the client stops when that runs out. */
  token: TokenSource;
  /**
   * Where rooms, messages and the outbox are kept: `"memory"`, for as long as the client lives, unless a cache
   * is given, such as `IndexedDbCache` of `@parlour/client/indexeddb`.
   */
  cache?: "memory" | Cache;
  /** Which events come: of all rooms, or whole ones only of rooms whose timeline is open. `"all"` by default. */
  focus?: Focus;
  /** How long `Client.connect` waits for a connection; 15 s by default. */
  connectWithinMs?: number;
  /** Name and version of the application, for the server's logs; at most 100 bytes. */
  agent?: string;
  /** Another WebSocket than the global one: that of the package `ws` in Node 20. */
  webSocket?: SocketConstructor;
  /** Another `fetch` than the global one. */
  fetch?: typeof globalThis.fetch;
}

/** The clocks. */
export function clock(): Now {
  return { unixMs: Date.now(), elapsedMs: performance.now() };
}

/** Random bytes. */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A new installation's id. */
export function newDevice(): DeviceId {
  return idOf<DeviceId>(randomBytes(16)) as DeviceId;
}

/** Which carriers there are here. */
export function stadium(options: Pick<ClientOptions, "webSocket">): Stadium {
  const webSocket = options.webSocket ?? (globalThis.WebSocket as unknown as SocketConstructor | undefined);
  const userAgent = globalThis.navigator?.userAgent ?? "";
  const hasWebTransport = typeof globalThis.WebTransport === "function" && !isWebKit(userAgent);
  return { webSocket, hasWebTransport };
}

/** A place for a few short texts; workers have none. */
export function shortMemory(): Memory | undefined {
  try {
    return typeof document === "undefined" ? undefined : globalThis.localStorage;
  } catch {
    // Not allowed here.
    return undefined;
  }
}
