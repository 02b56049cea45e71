// Files, and a real server that is killed in the middle of them.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { download, upload } from "../../src/files.js";
import type { Client, Message, Room } from "../../src/index.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let anna: Client;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start();
  anna = await server.connect("anna");
  room = await anna.createGroup("files");
});

afterAll(async () => {
  await anna?.disconnect();
  await server?.stop();
});

/** Bytes that don't repeat. */
function file(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0, state = seed; at < size; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

async function bytesOf(blob: Blob): Promise<Buffer> {
  return Buffer.from(await blob.arrayBuffer());
}

async function sent(text: string): Promise<Message> {
  const timeline = await room.timeline();
  const found = () =>
    timeline.items.find((item) => item.type === "message" && item.text === text && item.seq);
  const message = await until(found, `${text} is there`);
  timeline.close();
  return message as Message;
}

describe("a file", () => {
  it.each([1, 40_000, 3_000_000])("of %d bytes comes back as it went", async (size) => {
    const bytes = file(size, size);
    const progress: number[] = [];
    const onProgress = (at: number) => progress.push(at);
    const attachment = await upload(anna, bytes, { name: "a.bin", description: "bytes", onProgress });
    expect(attachment).toMatchObject({ size, name: "a.bin", description: "bytes" });
    expect(progress.at(-1)).toBe(size);
    await room.send({ text: `${size} bytes`, attachments: [attachment] });
    const message = await sent(`${size} bytes`);
    expect(message.attachments[0]).toMatchObject({ hash: attachment.hash, name: "a.bin" });
    const blob = await download(anna, message, attachment);
    expect((await bytesOf(blob)).equals(bytes)).toBe(true);
  });

  it("that is there already needn't be sent again", async () => {
    const bytes = file(50_000, 7);
    const first = await upload(anna, bytes);
    const progress: number[] = [];
    const again = await upload(anna, new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      onProgress: (at) => progress.push(at),
    });
    expect(again.hash).toBe(first.hash);
    expect(progress).toEqual([]);
  });

  it("goes on where it was when the server is killed in the middle, both ways", async () => {
    const bytes = file(20_000_000, 9);
    let isKilled = false;
    const kill = (at: number) => {
      if (isKilled || at < 2_000_000) return;
      isKilled = true;
      void server.kill().then(() => server.run());
    };
    const attachment = await upload(anna, bytes, { onProgress: kill });
    expect(isKilled).toBe(true);
    await room.send({ text: "large", attachments: [attachment] });
    const message = await sent("large");
    isKilled = false;
    const blob = await download(anna, message, attachment, { onProgress: kill });
    expect(isKilled).toBe(true);
    expect((await bytesOf(blob)).equals(bytes)).toBe(true);
  });

  it("can be given up", async () => {
    const given = new AbortController();
    const onProgress = () => given.abort(new Error("enough"));
    const uploading = upload(anna, file(5_000_000, 11), { signal: given.signal, onProgress });
    await expect(uploading).rejects.toThrow("enough");
  });

  it("is forwarded with its message, by whoever may read it", async () => {
    const attachment = await upload(anna, file(1000, 17), { name: "b.bin" });
    await room.send({ text: "forward me", attachments: [attachment] });
    const other = await anna.createGroup("elsewhere");
    const { seq } = await (await sent("forward me")).forward(other);
    const blob = await download(anna, { room: other.id, seq }, attachment);
    expect(blob.size).toBe(1000);
  });

  it("that isn't there is refused", async () => {
    const attachment = await upload(anna, file(10, 13));
    const { seq } = await room.send("nothing attached");
    const refused = download(anna, { room: room.id, seq }, attachment);
    await expect(refused).rejects.toMatchObject({ kind: "refused" });
  });
});
