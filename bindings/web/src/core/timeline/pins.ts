/** Which messages are pinned: of the events about one message the newest counts, in whatever order they come. */

import * as Kind from "../../generated/kinds.js";
import type { ClientRef } from "../../ids.js";
import type { LogEvent } from "../event.js";
import { bound, forgetTo } from "./bounded.js";

/** Whether an event pins its message or takes its pin off; `undefined` for other events. */
export function pinOf(event: LogEvent): boolean | undefined {
  if (event.kind === Kind.messagePinned) return true;
  return event.kind === Kind.messageUnpinned ? false : undefined;
}

/** All that is known of pins. */
export class Pins {
  /** By message: the newest event and what it says. */
  readonly #known = new Map<number, { seq: number; on: boolean }>();
  /** What the user did that the server doesn't have yet, by message. */
  readonly #pending = new Map<number, { clientRef: ClientRef; on: boolean }>();

  /** Takes in an event; whether it says anything new. */
  apply(target: number, seq: number, on: boolean, max: number): boolean {
    if ((this.#known.get(target)?.seq ?? 0) >= seq) return false;
    this.#known.set(target, { seq, on });
    bound(this.#known, max);
    return true;
  }

  /** The user did something that isn't sent yet. Of two the later one is shown. */
  putPending(target: number, clientRef: ClientRef, on: boolean): void {
    this.#pending.set(target, { clientRef, on });
  }

  /** It won't be sent, or it was. */
  dropPending(target: number, clientRef: ClientRef): void {
    if (this.#pending.get(target)?.clientRef === clientRef) this.#pending.delete(target);
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    forgetTo(this.#known, seq);
  }

  /** Whether a message is pinned. */
  shown(target: number): boolean {
    return (this.#pending.get(target) ?? this.#known.get(target))?.on ?? false;
  }
}
