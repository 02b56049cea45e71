import { describe, expect, it } from "vitest";
import { ReadTimeline } from "../../generated/rpc.js";
import { TestClient } from "../testing/client.js";
import { deleted, post, posted, ROOM } from "../testing/events.js";

const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => posted(from + n, `message ${from + n}`));

/** A client that shows ten messages, has one to send, and whose cache then takes nothing more. */
async function withLostCache(): Promise<TestClient> {
  const client = await TestClient.live();
  await client.open();
  client.answerNewest(messages(1, 10), 10);
  await client.settle();
  client.send(post("mine"));
  client.hear(deleted(11, 3));
  // These never arrive.
  client.engine.takeWrites();
  return client;
}

describe("a cache that took no changes", () => {
  it("is passed over for the server", async () => {
    const client = await withLostCache();
    client.engine.loseCache();
    client.engine.closeTimeline({ room: ROOM, root: 0 });
    await client.open();
    expect(client.texts()).toEqual(["mine"]);
    expect(client.reads(ReadTimeline)).toHaveLength(1);
  });

  it("is written anew, with all but events", async () => {
    const client = await withLostCache();
    client.engine.writeAnew();
    await client.settle();
    const { rooms, outbox, meta } = await client.cache.load();
    expect(rooms.map(({ id, head }) => [id, head.seq])).toEqual([[ROOM, 11]]);
    expect(outbox).toHaveLength(1);
    expect(meta.user).toBeDefined();
    expect(await client.cache.runs(ROOM, 1000, 100)).toEqual([]);
    client.hear(posted(12, "later"));
    await client.settle();
    expect((await client.cache.runs(ROOM, 1000, 100)).map(({ from, to }) => [from, to])).toEqual([[12, 12]]);
  });
});
