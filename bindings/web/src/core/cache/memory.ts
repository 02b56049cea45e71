/** A cache in memory: for clients that shall leave no trace, and where there is no IndexedDB. */

import type { RoomId } from "../../ids.js";
import type { Entry } from "../outbox.js";
import type { RoomRecord } from "../record.js";
import { type Cache, newMeta, type Run, type Saved, type Write, without, withoutBodies } from "./cache.js";

/** Keeps everything as long as it is there. */
export class MemoryCache implements Cache {
  #meta = newMeta();
  readonly #rooms = new Map<RoomId, RoomRecord>();
  /** By room, the newest first. */
  readonly #kept = new Map<RoomId, Run[]>();
  readonly #outbox = new Map<number, Entry>();

  async load(): Promise<Saved> {
    const outbox = [...this.#outbox.values()].sort((a, b) => a.order - b.order);
    return { meta: this.#meta, rooms: [...this.#rooms.values()], outbox };
  }

  async commit(writes: readonly Write[]): Promise<void> {
    for (const write of writes) this.#make(write);
  }

  async runs(room: RoomId, before: number, limit: number): Promise<Run[]> {
    const found: Run[] = [];
    let events = 0;
    for (const run of this.#kept.get(room) ?? []) {
      if (run.from >= before) continue;
      if (events >= limit) break;
      found.push(run);
      events += run.events.filter((event) => event.seq < before).length;
    }
    return found;
  }

  close(): void {
    // It may be used again: the next client begins with what is here.
  }

  #make(write: Write): void {
    if (write.type === "meta") this.#meta = write.meta;
    else if (write.type === "room") this.#rooms.set(write.record.id, write.record);
    else if (write.type === "room-gone") {
      this.#rooms.delete(write.room);
      this.#kept.delete(write.room);
    } else if (write.type === "run") this.#putRun(write.run);
    else if (write.type === "stale") this.#change(write.room, (run) => ({ ...run, isStale: true }));
    else if (write.type === "erase") this.#change(write.room, (run) => withoutBodies(run, write.seqs));
    else if (write.type === "outbox") this.#outbox.set(write.entry.order, write.entry);
    else if (write.type === "outbox-gone") this.#outbox.delete(write.order);
    else if (write.type === "reset") {
      this.#rooms.clear();
      this.#kept.clear();
    } else if (write.type === "reset-outbox") this.#outbox.clear();
  }

  #putRun(run: Run): void {
    const parts = (this.#kept.get(run.room) ?? []).flatMap((old) =>
      old.to < run.from || old.from > run.to ? [old] : without(old, run.from, run.to),
    );
    this.#kept.set(
      run.room,
      [...parts, run].sort((a, b) => b.from - a.from),
    );
  }

  #change(room: RoomId, change: (run: Run) => Run): void {
    this.#kept.set(room, (this.#kept.get(room) ?? []).map(change));
  }
}
