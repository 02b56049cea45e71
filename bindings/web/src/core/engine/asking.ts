/**
 * Bulk calls of the application: answered once all their items are there, and made again on the next connection
 * if they were cut off.
 */

import { Retry, type Error as WireError } from "../../generated/wire/v1/error.js";
import { ASKED_BYTES_MAX, ASKED_MAX } from "../../limits.js";
import type { Now } from "../../time.js";
import type { Request } from "../payload.js";
import type { Core, Task } from "./core.js";
import { repairSoon } from "./repair.js";

const ASKED = "asked:";

/** A bulk call, and what came of its answer. */
class Asked implements Task {
  readonly #core: Core;
  readonly #id: number;
  readonly #request: Request;
  readonly key: string;
  readonly room = undefined;
  readonly page = undefined;
  /** On its way, on the present connection. */
  isUnderWay = false;
  #items: Uint8Array[] = [];
  #bytes = 0;

  constructor(core: Core, id: number, request: Request) {
    this.#core = core;
    this.#id = id;
    this.#request = request;
    this.key = ASKED + id;
  }

  start(): void {
    this.isUnderWay = true;
    this.#core.actions.push({ type: "bulk", id: this.#id, request: this.#request });
  }

  item(item: Uint8Array): void {
    this.#bytes += item.length;
    this.#items.push(item.slice());
    if (this.#bytes <= ASKED_BYTES_MAX) return;
    this.#core.cancelTask(this.#id);
    this.#core.notices.push({ type: "answered", id: this.#id, answer: { ok: false, tooLarge: true } });
  }

  end(): void {
    this.#core.notices.push({ type: "answered", id: this.#id, answer: { ok: true, items: this.#items } });
  }

  /** Asked from the beginning: a part is no answer. */
  disconnected(): void {
    this.#items = [];
    this.#bytes = 0;
    this.isUnderWay = false;
  }

  cut(now: Now): void {
    this.disconnected();
    this.#core.tasks.set(this.#id, this);
    repairSoon(this.#core, now);
  }

  failed(error: WireError, now: Now): void {
    // With the next connection's answer it isn't a failure.
    if (error.retry === Retry.RECONNECT) this.cut(now);
    else this.#core.notices.push({ type: "answered", id: this.#id, answer: { ok: false, error } });
  }
}

/** Makes a bulk call, now or once there is a connection; `undefined` when too many wait. */
export function ask(core: Core, request: Request): number | undefined {
  const waiting = [...core.tasks.values()].filter((task) => task.key.startsWith(ASKED));
  if (waiting.length >= ASKED_MAX) return undefined;
  const id = core.nextId();
  core.tasks.set(id, new Asked(core, id, request));
  askAgain(core);
  return id;
}

/** The answer isn't wanted any more. */
export function stopAsking(core: Core, id: number): void {
  core.cancelTask(id);
}

/** Asks what is on no way yet. */
export function askAgain(core: Core): void {
  if (!core.session) return;
  for (const task of core.tasks.values()) if (task instanceof Asked && !task.isUnderWay) task.start();
}
