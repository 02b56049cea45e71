/** A client for a session: with a cache that outlives the page, or without where another tab has it. */

import { Client, ParlourError } from "@parlour/client";
import { IndexedDbCache } from "@parlour/client/indexeddb";
import type { Session } from "./session.ts";

/** Starts a client; what the cache has is there at once, with or without a connection. */
export async function connect(session: Session): Promise<Client> {
  const options = { url: session.url, token: (fresh: boolean) => session.token(fresh), agent: "parlour-web" };
  const cache = await openCache(session.cacheName);
  try {
    return await Client.start(cache ? { ...options, cache } : options);
  } catch (error) {
    // A cache that can't be read is no reason not to chat.
    if (error instanceof ParlourError && error.kind === "cache") return Client.start(options);
    throw error;
  }
}

async function openCache(name: string): Promise<IndexedDbCache | undefined> {
  try {
    return await IndexedDbCache.open(name);
  } catch (error) {
    if (error instanceof ParlourError && (error.kind === "cache-in-use" || error.kind === "cache"))
      return undefined;
    throw error;
  }
}
