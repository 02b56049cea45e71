/** Where a server's carriers are: its endpoints document, and what was learned of it before. */

import type { CarrierName } from "./carrier.js";

/** A server's endpoints, as addresses to connect to. */
export interface Endpoints {
  /** Absent where it isn't offered. */
  webtransport?: { url: string; certificateHashes: Uint8Array[] };
  websocket: { url: string };
}

/** A place for a few short texts: `localStorage`, where there is one. */
export interface Memory {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

interface Document {
  webtransport?: { port?: number; path?: string; certificate_hashes?: string[] };
  websocket?: { path?: string };
}

/** What is kept of a server between visits. */
interface Known {
  document?: Document;
  /** The carrier that won last, and when: after a day it is tried anew. */
  winner?: CarrierName;
  wonAtMs?: number;
}

const PATH = "/parlour/v1/endpoints";
const WEBTRANSPORT_PATH = "/parlour/v1/wt";
const WEBSOCKET_PATH = "/parlour/v1/ws";
const WINNER_FOR_MS = 24 * 3600 * 1000;
const READ_WITHIN_MS = 10_000;

/** What is known of one server's carriers. */
export class Directory {
  readonly #memory: Memory | undefined;
  readonly #fetch: typeof globalThis.fetch;
  readonly #base: URL;
  #known: Known;

  /** `url` is the server's HTTP address, such as `https://chat.example.com`. */
  constructor(url: string, memory: Memory | undefined, fetch: typeof globalThis.fetch) {
    this.#memory = memory;
    this.#fetch = fetch;
    this.#base = new URL(url.replace(/^ws/, "http"));
    this.#known = this.#recall();
  }

  /** The endpoints: those of the last visit at once, which are read anew meanwhile; else those of the server. */
  async endpoints(): Promise<Endpoints> {
    const reading = this.#read();
    if (this.#known.document === undefined) await reading;
    return this.#resolve(this.#known.document ?? {});
  }

  /** The carrier that won not long ago. */
  winner(nowMs: number): CarrierName | undefined {
    const { winner, wonAtMs = 0 } = this.#known;
    return nowMs - wonAtMs < WINNER_FOR_MS ? winner : undefined;
  }

  /** This carrier won. */
  remember(winner: CarrierName, nowMs: number): void {
    this.#keep({ ...this.#known, winner, wonAtMs: nowMs });
  }

  /** A server that can't be asked has a WebSocket at its usual place, if it has one at all. */
  async #read(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(READ_WITHIN_MS);
      const answer = await this.#fetch(new URL(PATH, this.#base), { signal });
      if (answer.ok) this.#keep({ ...this.#known, document: (await answer.json()) as Document });
    } catch {
      // What is known already stays.
    }
  }

  #resolve(document: Document): Endpoints {
    const socket = new URL(document.websocket?.path ?? WEBSOCKET_PATH, this.#base);
    socket.protocol = this.#base.protocol === "https:" ? "wss:" : "ws:";
    const endpoints: Endpoints = { websocket: { url: socket.href } };
    const { webtransport } = document;
    if (webtransport?.port !== undefined) {
      const url = `https://${this.#base.hostname}:${webtransport.port}${webtransport.path ?? WEBTRANSPORT_PATH}`;
      const certificateHashes = (webtransport.certificate_hashes ?? []).map(bytesOfBase64);
      endpoints.webtransport = { url, certificateHashes };
    }
    return endpoints;
  }

  get #key(): string {
    return `parlour:endpoints:${this.#base.origin}`;
  }

  #recall(): Known {
    try {
      const known: unknown = JSON.parse(this.#memory?.getItem(this.#key) ?? "{}");
      return typeof known === "object" && known !== null ? known : {};
    } catch {
      return {};
    }
  }

  #keep(known: Known): void {
    this.#known = known;
    try {
      this.#memory?.setItem(this.#key, JSON.stringify(known));
    } catch {
      // Full, or not allowed here: it is only faster with it.
    }
  }
}

function bytesOfBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
