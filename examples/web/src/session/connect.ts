/** A client for a session: with a cache that outlives the page, or without where another tab has it. */

import { Client, ParlourError } from "@parlour/client";
import { IndexedDbCache } from "@parlour/client/indexeddb";
import type { Session } from "./session.ts";

const LEAVE_WITHIN_MS = 5000;

/** Starts a client; what the cache has is there at once, with or without a connection. */
export async function connect(session: Session): Promise<Client> {
  const options = { url: session.url, token: session.token, agent: "parlour-web" };
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

/** Ends a session that another one takes the place of: at the server as far as that can be reached, and here. */
export async function leave(session: Session): Promise<void> {
  const options = { url: session.url, token: session.token, connectWithinMs: LEAVE_WITHIN_MS };
  try {
    const client = await Client.connect(options);
    await session.signOut(client).finally(() => client.disconnect());
  } catch {
    // Its login ends by itself, or from another device.
  }
  await session.end();
}
