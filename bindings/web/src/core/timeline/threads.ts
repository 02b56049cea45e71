/** Threads: what of a room's log a timeline shows, and what stands under its messages. */

import * as Kind from "../../generated/kinds.js";
import type { Thread } from "../../generated/thread/v1/thread.js";
import type { RoomId } from "../../ids.js";
import type { LogEvent } from "../event.js";
import { bound, forgetTo } from "./bounded.js";
import type { ThreadSummary } from "./item.js";

/** What a timeline shows: a room without what stands in its threads, or one thread with its root. */
export interface Scope {
  readonly room: RoomId;
  /** The thread's root; 0 for the room itself. */
  readonly root: number;
}

/** A scope as a key. */
export function scopeKey({ room, root }: Scope): string {
  return `${room}/${root}`;
}

/** Whether a scope shows, or counts, an event of its room. */
export function covers({ root }: Scope, event: LogEvent): boolean {
  const { seq, threadRootSeq, targetSeq } = event.header;
  // What quotes the root elsewhere isn't part of its thread.
  const amendsRoot = targetSeq === root && event.kind !== Kind.messagePosted;
  return root === 0 || seq === root || threadRootSeq === root || amendsRoot || event.deleted.includes(root);
}

/** A thread, from what was seen of it. */
interface Known {
  threadNo: number;
  lastSeq: number;
  lastAtMs: number;
  /** Replies deleted up to `asOf`, and the deletes after it. */
  deleted: number;
  asOf: number;
  deletes: Map<number, number>;
}

/** All that is known of threads, by root. Nothing here depends on the order in which events come. */
export class Threads {
  readonly #known = new Map<number, Known>();

  /** An event of a thread; whether it changes what is to be seen of it. */
  apply(event: LogEvent, max: number): boolean {
    const { seq, atMs, threadNo, threadRootSeq } = event.header;
    return this.#change(threadRootSeq, max, (known) => {
      const gone = event.deleted.length;
      if (gone > 0 && seq > known.asOf) known.deletes.set(seq, gone);
      else if (gone === 0 && threadNo > known.threadNo) {
        Object.assign(known, { threadNo, lastSeq: seq, lastAtMs: atMs });
      }
    });
  }

  /** What the server says of a thread; whether it changes what is to be seen of it. */
  learn({ rootSeq, changedSeq, deleted, threadNo, lastSeq, lastAtMs }: Thread, max: number): boolean {
    return this.#change(rootSeq, max, (known) => {
      if (changedSeq > known.asOf) {
        Object.assign(known, { asOf: changedSeq, deleted });
        forgetTo(known.deletes, changedSeq);
      }
      if (threadNo > known.threadNo) Object.assign(known, { threadNo, lastSeq, lastAtMs });
    });
  }

  /** What is to be seen under a message. */
  shown(root: number): ThreadSummary | undefined {
    const known = this.#known.get(root);
    if (known === undefined || known.threadNo === 0) return undefined;
    const deleted = [...known.deletes.values()].reduce((sum, gone) => sum + gone, known.deleted);
    const { lastSeq, lastAtMs } = known;
    return { replies: Math.max(known.threadNo - deleted, 0), lastSeq, lastAtMs };
  }

  /** Forgets everything up to this number. */
  forgetTo(seq: number): void {
    forgetTo(this.#known, seq);
  }

  #change(root: number, max: number, change: (known: Known) => void): boolean {
    const before = this.shown(root);
    const nothing = { threadNo: 0, lastSeq: 0, lastAtMs: 0, deleted: 0, asOf: 0, deletes: new Map() };
    const known = this.#known.get(root) ?? nothing;
    change(known);
    this.#known.set(root, known);
    const after = this.shown(root);
    bound(this.#known, max);
    return before?.replies !== after?.replies || before?.lastSeq !== after?.lastSeq;
  }
}
