import { describe, expect, it } from "vitest";
import { ReadTimeline } from "../../generated/rpc.js";
import { FILLS_MAX } from "../../limits.js";
import { TestClient } from "../testing/client.js";
import { edited, posted, ROOM } from "../testing/events.js";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const messages = (from: number, to: number) => range(from, to).map((seq) => posted(seq, `${seq}`));

describe("a timeline that shows little", () => {
  it("is read on until a page is shown, where a room's end is edits", async () => {
    const client = await TestClient.live(500);
    await client.open();
    client.answerNewest(
      range(451, 500).map((seq) => edited(seq, 1, "again")),
      500,
    );
    expect(client.texts()).toEqual([]);
    client.answerNewest(messages(431, 450), 500);
    expect(client.texts()).toHaveLength(20);
    client.answerNewest(messages(381, 430), 500);
    expect(client.texts()).toHaveLength(70);
    expect(client.reads(ReadTimeline)).toEqual([]);
  });

  it("is read on in the cache", async () => {
    const client = await TestClient.live(10);
    await client.open();
    client.answerNewest(messages(1, 10), 10);
    client.hear(...messages(11, 60));
    client.hear(...range(61, 180).map((seq) => edited(seq, 1, "again")));
    await client.settle();
    client.engine.closeTimeline({ room: ROOM, root: 0 });
    await client.open();
    await client.settle();
    expect(client.texts().length).toBeGreaterThanOrEqual(25);
    expect(client.reads(ReadTimeline)).toEqual([]);
  });

  it("isn't read on for ever", async () => {
    const client = await TestClient.live(500);
    await client.open();
    client.answerNewest(messages(500, 500), 500);
    for (const _ of range(1, FILLS_MAX)) client.answerNewest([], 500);
    expect(client.reads(ReadTimeline)).toEqual([]);
  });

  it("is whole at the room's start", async () => {
    const client = await TestClient.live(500);
    await client.open();
    client.answerNewest(messages(499, 500), 500);
    client.answerNewest(messages(1, 1), 500);
    expect(client.texts()).toEqual(["1", "499", "500"]);
    expect(client.reads(ReadTimeline)).toEqual([]);
  });
});
