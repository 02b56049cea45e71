/**
 * The port for what a login is kept by between visits, and its two adapters for pages. There is none in memory:
 * a secret that isn't written down before it is used is a login that a reload loses.
 */

import { ParlourError } from "../errors.js";
import { takeTurns } from "./turns.js";

/**
 * Keeps one short text. It is a secret: only its owner may read it. Another one than those below has to be
 * durable once `save` settles, also over a crash.
 */
export interface LoginStore {
  /** What was saved last; `undefined` for nothing. */
  load(): Promise<string | undefined>;
  /** Puts a text in the place of what was there. Once it settles it is there after a crash, too. */
  save(text: string): Promise<void>;
  /** Nothing is kept any more. */
  remove(): Promise<void>;
  /** Does something while nobody else uses the store, not even another tab. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

const STORE = "login";
const KEY = 0;

/** Keeps a login in a database of the browser, of its own: the place for pages and workers. */
export class IndexedDbLoginStore implements LoginStore {
  readonly #name: string;

  /** `name` is the database's, such as `anna.login`; nothing is opened before it is used. */
  constructor(name: string) {
    this.#name = name;
  }

  async load(): Promise<string | undefined> {
    const found: unknown = await this.#use("readonly", (store) => store.get(KEY));
    return typeof found === "string" ? found : undefined;
  }

  async save(text: string): Promise<void> {
    await this.#use("readwrite", (store) => store.put(text, KEY));
  }

  async remove(): Promise<void> {
    await this.#use("readwrite", (store) => store.delete(KEY));
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return takeTurns(`parlour:login:${this.#name}`, work);
  }

  async #use<T>(mode: IDBTransactionMode, order: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await this.#open();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(STORE, mode, { durability: "strict" });
        const request = order(transaction.objectStore(STORE));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(new ParlourError("cache", { cause: transaction.error }));
      });
    } finally {
      database.close();
    }
  }

  #open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(new ParlourError("cache", { cause }));
      try {
        const request = indexedDB.open(this.#name, 1);
        request.onupgradeneeded = () => request.result.createObjectStore(STORE);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => fail(request.error);
      } catch (cause) {
        // Not allowed here.
        fail(cause);
      }
    });
  }
}

/** What `localStorage` has of a `Storage`. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps a login in `localStorage`, for pages without a database. Browsers write that to the disk a while later: one
 * that crashes within those seconds may lose a secret that was used, and the login with it.
 */
export class LocalLoginStore implements LoginStore {
  readonly #key: string;
  readonly #storage: () => TextStorage;

  /** `name` is what the login is called, such as `anna`. */
  constructor(name: string, storage: () => TextStorage = () => globalThis.localStorage) {
    this.#key = `parlour:login:${name}`;
    this.#storage = storage;
  }

  async load(): Promise<string | undefined> {
    return this.#use((storage) => storage.getItem(this.#key)) ?? undefined;
  }

  async save(text: string): Promise<void> {
    this.#use((storage) => storage.setItem(this.#key, text));
  }

  async remove(): Promise<void> {
    this.#use((storage) => storage.removeItem(this.#key));
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return takeTurns(this.#key, work);
  }

  #use<T>(order: (storage: TextStorage) => T): T {
    try {
      return order(this.#storage());
    } catch (cause) {
      // Full, or not allowed here.
      throw new ParlourError("cache", { cause });
    }
  }
}
