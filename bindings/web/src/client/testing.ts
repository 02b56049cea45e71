/** A client without an engine for tests of what stands beside it: calls are answered by the test. */

import type { ControlMethod } from "../codec/method.js";
import { newMeta } from "../core/cache/cache.js";
import type { RoomRecord } from "../core/record.js";
import type { Signal } from "../core/signal.js";
import { at, ME } from "../core/testing/events.js";
import type { RoomId } from "../ids.js";
import { adoptDriver, type Client } from "./client.js";
import type { Driver, RoomEvents } from "./driver.js";
import { ObservableStream } from "./observe.js";
import type { Room } from "./room.js";

/** A call that waits for its answer. */
export interface Waiting {
  readonly method: number;
  readonly request: unknown;
  answer(response: unknown): Promise<void>;
  refuse(error: unknown): Promise<void>;
}

/** The client, and what a test does to it. */
export class FakeClient {
  readonly signals = new ObservableStream<Signal>();
  readonly events = new ObservableStream<RoomEvents>();
  readonly calls: Waiting[] = [];
  readonly records = new Map<RoomId, RoomRecord>();
  readonly meta = { ...newMeta(), user: ME };
  readonly client: Client;

  constructor() {
    const { signals, events, records, meta } = this;
    const engine = { record: (id: RoomId) => records.get(id), meta, serverMs: () => at(0).unixMs };
    const adopt = <T>(source: T) => source;
    const driver = { signals, events, engine, adopt, release: () => undefined, now: () => at(0) };
    const call = (method: ControlMethod<unknown, unknown>, request: unknown) =>
      this.#call(method.id, request);
    const room = (id: RoomId) => ({ id, client: this.client });
    this.client = { call, room, me: ME } as unknown as Client;
    adoptDriver(this.client, driver as unknown as Driver);
  }

  /** A room of it. */
  room(id: RoomId): Room {
    return this.client.room(id);
  }

  #call(method: number, request: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = async (response: unknown) => {
        resolve(response);
        await settled();
      };
      const refuse = async (error: unknown) => {
        reject(error);
        await settled();
      };
      this.calls.push({ method, request, answer, refuse });
    });
  }
}

/** Whatever waits for what has happened already is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
