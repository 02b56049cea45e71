/** A cache in IndexedDB: rooms, messages and the outbox outlive the page. */

export { IndexedDbCache } from "./core/cache/indexeddb.js";
