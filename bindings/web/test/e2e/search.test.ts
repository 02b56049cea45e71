// Search against a real server's index.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Client, Room } from "../../src/index.js";
import { search } from "../../src/search.js";
import { TestServer } from "./server.js";

let server: TestServer;
let anna: Client;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start();
  anna = await server.connect("anna");
  room = await anna.createGroup("search");
  for (const text of ["🍞 Brötchen für morgen", "Suppe heute", "noch eine Suppe, morgen"])
    await room.send(text);
});

afterAll(async () => {
  await anna?.disconnect();
  await server?.stop();
});

const texts = (page: Awaited<ReturnType<typeof search>>) => page.hits.map((hit) => hit.message.text);

describe("search", () => {
  it("finds messages by their words, the newest first, and says where those are", async () => {
    await vi.waitFor(async () => expect((await search(anna, "suppe")).hits).toHaveLength(2), {
      timeout: 10_000,
    });
    expect(texts(await search(anna, "suppe"))).toEqual(["noch eine Suppe, morgen", "Suppe heute"]);
    const [hit] = (await search(anna, { text: "brotchen", rooms: [room.id] })).hits;
    const [from = 0, to = 0] = hit?.highlights[0] ?? [];
    expect(hit?.message.text.slice(from, to)).toBe("Brötchen");
  });

  it("goes on page by page", async () => {
    const first = await search(anna, { text: "suppe", limit: 1 });
    expect(texts(first)).toEqual(["noch eine Suppe, morgen"]);
    const second = await first.next?.();
    expect(second && texts(second)).toEqual(["Suppe heute"]);
  });

  it("finds what it can do something with, as it is after an edit", async () => {
    const [hit] = (await search(anna, "brötchen")).hits;
    await hit?.message.edit("🍞 Brezeln für morgen");
    await vi.waitFor(async () => expect(texts(await search(anna, "brezeln"))).toHaveLength(1), {
      timeout: 10_000,
    });
    expect((await search(anna, "brezeln")).hits[0]?.message.isEdited).toBe(true);
  });

  it("is refused where nothing is asked for", async () => {
    await expect(search(anna, {})).rejects.toMatchObject({ reason: "INVALID_FIELD" });
  });
});
