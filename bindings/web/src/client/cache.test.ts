import { afterEach, describe, expect, it, vi } from "vitest";
import { decode } from "../codec/message.js";
import type { Write } from "../core/cache/cache.js";
import { MemoryCache } from "../core/cache/memory.js";
import { ROOM } from "../core/testing/events.js";
import { MessagePosted } from "../generated/message/v1/message.js";
import { CACHE_ANEW_AFTER_MS } from "../limits.js";
import { Client } from "./client.js";

/** One that takes nothing while it is full. */
class FullCache extends MemoryCache {
  isFull = false;

  override async commit(writes: readonly Write[]): Promise<void> {
    if (this.isFull) throw new Error("full");
    await super.commit(writes);
  }

  async texts(): Promise<string[]> {
    const { outbox } = await this.load();
    const posts = outbox.flatMap(({ payload }) => (payload.type === "post" ? [payload.body] : []));
    return posts.map((body) => decode(MessagePosted, body).text);
  }
}

describe("a cache that takes nothing for a while", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is written anew, with what was queued meanwhile", async () => {
    vi.useFakeTimers();
    const cache = new FullCache();
    // Nobody is asked for anything: there is no network.
    const client = await Client.start({
      url: "http://127.0.0.1:9",
      token: "token",
      cache,
      fetch: () => Promise.reject(new TypeError("no network")),
    });
    const room = client.room(ROOM);
    await room.queue("before");
    cache.isFull = true;
    await expect(room.queue("while it is full")).rejects.toMatchObject({ kind: "cache" });
    cache.isFull = false;
    await expect(room.queue("soon after")).rejects.toMatchObject({ kind: "cache" });
    expect(await cache.texts()).toEqual(["before"]);
    await vi.advanceTimersByTimeAsync(CACHE_ANEW_AFTER_MS);
    await room.queue("later");
    expect(await cache.texts()).toEqual(["before", "while it is full", "soon after", "later"]);
    await client.disconnect();
  });
});
