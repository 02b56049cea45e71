/**
 * The cache in IndexedDB. Events lie as the bytes they came as, many of a run in one record; live ones, which
 * come one by one, are added to the record before them until that is full.
 */

import { ParlourError } from "../../errors.js";
import type { RoomId } from "../../ids.js";
import { pack, unpack } from "../event.js";
import type { Entry } from "../outbox.js";
import type { RoomRecord } from "../record.js";
import {
  type Cache,
  isIrreplaceable,
  type Meta,
  newMeta,
  type Run,
  type Saved,
  type Write,
  without,
  withoutBodies,
} from "./cache.js";

const VERSION = 1;
const META = "meta";
const ROOMS = "rooms";
const RUNS = "runs";
const OUTBOX = "outbox";
const STORES = [META, ROOMS, RUNS, OUTBOX];
/** Events of one record, after which the next one begins. */
const RUN_EVENTS = 128;

/** A run as it is kept. */
interface Row {
  room: RoomId;
  from: number;
  to: number;
  isStale: boolean;
  count: number;
  events: Uint8Array;
}

/** Keeps things in a database of the browser. One client at a time may have it open. */
export class IndexedDbCache implements Cache {
  readonly #database: IDBDatabase;
  readonly #release: () => void;
  private constructor(database: IDBDatabase, release: () => void) {
    this.#database = database;
    this.#release = release;
  }

  /**
   * Opens the database of that name, which is made if it isn't there. Fails with `cache-in-use` when another client,
   * perhaps of another tab, has it open, and with `cache` when there is none to be had.
   */
  static async open(name: string): Promise<IndexedDbCache> {
    const release = await lock(`parlour:${name}`);
    try {
      const request = indexedDB.open(name, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(META);
        request.result.createObjectStore(ROOMS, { keyPath: "id" });
        request.result.createObjectStore(RUNS, { keyPath: ["room", "from"] });
        request.result.createObjectStore(OUTBOX, { keyPath: "order" });
      };
      const database = await done(request);
      // A later version in another tab isn't held up; what is written here from then on isn't kept.
      database.onversionchange = () => database.close();
      return new IndexedDbCache(database, release);
    } catch (cause) {
      release();
      throw new ParlourError("cache", { cause });
    }
  }

  /** Deletes the database of that name, as after signing out. Fails with `cache-in-use` while a client has it open. */
  static async delete(name: string): Promise<void> {
    const release = await lock(`parlour:${name}`);
    try {
      await done(indexedDB.deleteDatabase(name));
    } catch (cause) {
      throw new ParlourError("cache", { cause });
    } finally {
      release();
    }
  }

  async load(): Promise<Saved> {
    const transaction = this.#database.transaction(STORES);
    const [meta, rooms, outbox] = await Promise.all([
      done(transaction.objectStore(META).get(META) as IDBRequest<Meta | undefined>),
      done(transaction.objectStore(ROOMS).getAll() as IDBRequest<RoomRecord[]>),
      done(transaction.objectStore(OUTBOX).getAll() as IDBRequest<Entry[]>),
    ]);
    return { meta: { ...newMeta(), ...meta }, rooms, outbox };
  }

  async commit(writes: readonly Write[]): Promise<void> {
    const durability = writes.some(isIrreplaceable) ? "strict" : "relaxed";
    const transaction = this.#database.transaction(STORES, "readwrite", { durability });
    const end = ended(transaction);
    try {
      for (const write of writes) await make(transaction, write);
    } catch (error) {
      abort(transaction);
      await end.catch(() => undefined);
      throw error;
    }
    await end;
  }

  async note(name: string): Promise<unknown> {
    return done(this.#database.transaction(META).objectStore(META).get(`note:${name}`));
  }

  async putNote(name: string, value: unknown): Promise<void> {
    const transaction = this.#database.transaction(META, "readwrite", { durability: "relaxed" });
    const end = ended(transaction);
    transaction.objectStore(META).put(value, `note:${name}`);
    await end;
  }

  async runs(room: RoomId, before: number, limit: number): Promise<Run[]> {
    const found: Run[] = [];
    let events = 0;
    await eachRun(this.#database.transaction(RUNS).objectStore(RUNS), room, before, true, (row) => {
      const run = runOf(row);
      found.push(run);
      events += run.events.filter((event) => event.seq < before).length;
      return events < limit;
    });
    return found;
  }

  close(): void {
    this.#database.close();
    this.#release();
  }
}

async function make(transaction: IDBTransaction, write: Write): Promise<void> {
  const store = (name: string) => transaction.objectStore(name);
  switch (write.type) {
    case "meta":
      return void store(META).put(write.meta, META);
    case "room":
      return void store(ROOMS).put(write.record);
    case "room-gone":
      store(ROOMS).delete(write.room);
      return void store(RUNS).delete(allOf(write.room));
    case "run":
      return putRun(store(RUNS), write.run);
    case "stale":
      return change(store(RUNS), write.room, 0, (row) => ({ ...row, isStale: true }));
    case "erase":
      return change(store(RUNS), write.room, Math.min(...write.seqs), (row) =>
        rowOf(withoutBodies(runOf(row), write.seqs)),
      );
    case "outbox":
      return void store(OUTBOX).put(write.entry);
    case "outbox-gone":
      return void store(OUTBOX).delete(write.order);
    case "reset":
      store(ROOMS).clear();
      return void store(RUNS).clear();
    case "reset-outbox":
      return void store(OUTBOX).clear();
  }
}

// Runs.

async function putRun(runs: IDBObjectStore, run: Run): Promise<void> {
  const near: Row[] = [];
  await eachRun(runs, run.room, run.to, false, (row) => {
    // The one right before it, too.
    if (row.to >= run.from - 1) near.push(row);
    return row.to >= run.from;
  });
  const before = near.find((row) => row.to === run.from - 1 && !row.isStale && row.count < RUN_EVENTS);
  for (const row of near.filter((one) => one.to >= run.from)) {
    runs.delete([row.room, row.from]);
    for (const part of without(runOf(row), run.from, run.to)) runs.put(rowOf(part));
  }
  if (before) {
    const whole = { ...run, from: before.from, events: [...unpack(before.events), ...run.events] };
    runs.put(rowOf(whole));
  } else runs.put(rowOf(run));
}

/** Changes the runs of a room that reach up to `from` or beyond. */
async function change(
  runs: IDBObjectStore,
  room: RoomId,
  from: number,
  to: (row: Row) => Row,
): Promise<void> {
  const rows: Row[] = [];
  await eachRun(runs, room, Number.POSITIVE_INFINITY, false, (row) => {
    if (row.to >= from) rows.push(row);
    return row.to >= from;
  });
  for (const row of rows) runs.put(to(row));
}

/** Looks at a room's runs that begin up to `last`, the newest first, for as long as they are wanted. */
function eachRun(
  runs: IDBObjectStore,
  room: RoomId,
  last: number,
  isExclusive: boolean,
  look: (row: Row) => boolean,
): Promise<void> {
  const range = IDBKeyRange.bound([room, 0], [room, last], false, isExclusive);
  const request = runs.openCursor(range, "prev");
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor && look(cursor.value as Row)) cursor.continue();
      else resolve();
    };
  });
}

function allOf(room: RoomId): IDBKeyRange {
  return IDBKeyRange.bound([room, 0], [room, Number.POSITIVE_INFINITY]);
}

function rowOf({ room, from, to, isStale, events }: Run): Row {
  return { room, from, to, isStale, count: events.length, events: pack(events) };
}

function runOf({ room, from, to, isStale, events }: Row): Run {
  return { room, from, to, isStale, events: unpack(events) };
}

// IndexedDB as promises.

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

/** Holds a lock of the browser's until it is released; where there are none, nothing is locked. */
async function lock(name: string): Promise<() => void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (!locks) return () => undefined;
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (granted) => {
      if (!granted) throw new ParlourError("cache-in-use");
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(reject);
  });
}
