// Two clients and a real server, over WebSocket.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type Client,
  MemoryCache,
  type Message,
  ParlourError,
  type Room,
  type Timeline,
} from "../../src/index.js";
import * as rpc from "../../src/rpc.js";
import { TestServer, until } from "./server.js";

let server: TestServer;
let anna: Client;
let ben: Client;

beforeAll(async () => {
  server = await TestServer.start();
  ben = await server.connect("ben");
  anna = await server.connect("anna");
});

afterAll(async () => {
  await Promise.all([anna?.disconnect(), ben?.disconnect()]);
  await server?.stop();
});

function messages(timeline: Timeline): Message[] {
  return timeline.items.filter((item): item is Message => item.type === "message");
}

const texts = (timeline: Timeline) => messages(timeline).map((message) => message.text);

/** A new group of both, with its timeline at both. */
async function group(name: string): Promise<{ mine: Room; hers: Timeline; his: Timeline; at: Room }> {
  const mine = await anna.createGroup(name, [{ subject: "ben" }]);
  await until(() => ben.rooms.items.some((room) => room.id === mine.id), "ben hears of the room");
  const at = ben.room(mine.id);
  return { mine, at, hers: await mine.timeline(), his: await at.timeline() };
}

describe("two clients", () => {
  it("send to each other, and each message is shown once", async () => {
    const { mine, at, hers, his } = await group("talk");
    const sent = await mine.send("hi");
    expect(sent.seq).toBeGreaterThan(0);
    await at.send("hello");
    await until(() => texts(his).length === 2 && texts(hers).length === 2, "both are shown");
    expect(texts(hers)).toEqual(["hi", "hello"]);
    expect(texts(his)).toEqual(["hi", "hello"]);
    expect(messages(hers)[0]?.delivery).toEqual({ state: "sent" });
  });

  it("see a message at once that they send themselves", async () => {
    const { mine, hers } = await group("echo");
    const queued = await mine.queue("soon");
    expect(texts(hers)).toContain("soon");
    await queued.sent;
    await until(() => messages(hers).find((message) => message.text === "soon")?.seq, "it is in the log");
  });

  it("edit, react, pin, reply and delete", async () => {
    const { mine, at, hers, his } = await group("changes");
    await mine.send("frist");
    const message = await until(() => messages(his)[0], "it comes");
    await messages(hers)[0]?.edit("first");
    await until(() => messages(his)[0]?.text === "first", "the edit comes");
    expect(messages(his)[0]?.isEdited).toBe(true);
    await message.react("👍");
    await until(() => messages(hers)[0]?.reactions[0]?.users.includes(ben.me as never), "the reaction comes");
    await messages(his)[0]?.unreact("👍");
    await until(() => messages(hers)[0]?.reactions.length === 0, "it is taken off");
    await messages(hers)[0]?.pin();
    await until(() => messages(his)[0]?.isPinned, "the pin comes");
    const [pin] = await at.pins();
    expect([pin?.message?.text, pin?.by]).toEqual(["first", anna.me]);
    await message.reply("second");
    const reply = await until(() => messages(hers)[1], "the reply comes");
    expect(reply.replyTo).toBe(message.seq);
    await messages(hers)[0]?.delete();
    await until(() => messages(his)[0]?.isDeleted, "the delete comes");
    expect(messages(his)[0]?.text).toBe("");
  });

  it("have threads, whose replies aren't the room's", async () => {
    const { mine, hers, his } = await group("threads");
    const { seq } = await mine.send("root");
    const root = await until(() => messages(his)[0], "it comes");
    const thread = root.openThread();
    await thread.send("reply");
    await until(() => messages(hers)[0]?.thread?.replies === 1, "the reply counts");
    expect(texts(hers)).toEqual(["root"]);
    const shown = await mine.thread(seq).timeline();
    await until(() => texts(shown).length === 2, "root and reply are shown");
    expect(texts(shown)).toEqual(["root", "reply"]);
    shown.close();
    // Who follows is noted after the reply.
    await vi.waitFor(async () => {
      const followed = await ben.threads();
      expect(followed.some((one) => one.thread.rootSeq === seq && one.summary.replies === 1)).toBe(true);
    });
  });

  it("vote in polls, and everyone counts alike", async () => {
    const { mine, hers, his } = await group("polls");
    await mine.send({ poll: { question: "Lunch?", options: ["Soup", "Bread"] } });
    const poll = await until(() => messages(his)[0], "it comes");
    await poll.vote([1]);
    await until(() => messages(hers)[0]?.poll?.tally?.votes[1] === 1, "the vote counts");
    await messages(hers)[0]?.vote([1]);
    await until(() => messages(his)[0]?.poll?.tally?.votes[1] === 2, "the other counts, too");
    expect(messages(his)[0]?.poll?.own).toEqual([1]);
    await messages(hers)[0]?.closePoll();
    await until(() => messages(his)[0]?.poll?.isClosed, "it is closed");
  });

  it("count what is unread, and read it", async () => {
    const { mine, at } = await group("unread");
    await mine.send("one");
    await mine.send({ text: "two", mentions: [ben.me as never] });
    const unread = () => ben.rooms.items.find((room) => room.id === at.id);
    await until(() => unread()?.unread === 2, "two are unread");
    expect(unread()?.mentions).toBe(1);
    at.markRead();
    await until(() => unread()?.unread === 0, "nothing is unread");
    await at.markUnread(at.summary?.lastSeq ?? 0);
    await until(() => unread()?.unread === 1, "one is unread again");
  });

  it("see each other typing", async () => {
    const { mine, at } = await group("typing");
    mine.typing();
    await until(() => at.summary?.typing.includes(anna.me as never), "anna is typing");
    await mine.send("done");
    await until(() => at.summary?.typing.length === 0, "she has stopped");
  });

  it("see who is there", async () => {
    anna.presence.set("active");
    const unwatch = ben.presence.watch([anna.me as never]);
    const state = () => ben.presence.people.current.get(anna.me as never)?.availability;
    await until(() => state() === "online", "anna is there");
    unwatch();
  });

  it("hear of rooms that they don't look at only how many messages there are", async () => {
    const { mine } = await group("focused");
    const carl = await server.connect("ben", { focus: "focused" });
    await carl.synced();
    await mine.send("unseen");
    const seen = () => carl.room(mine.id).summary;
    await until(() => seen()?.unread === 1, "it is counted");
    const timeline = await carl.room(mine.id).timeline();
    await until(() => texts(timeline).includes("unseen"), "it is read");
    await mine.send("seen");
    await until(() => texts(timeline).includes("seen"), "it comes");
    timeline.close();
    await carl.disconnect();
  });

  it("open one direct room for both", async () => {
    const room = await anna.openDirect({ subject: "ben" });
    const same = await ben.openDirect(anna.me as never);
    expect(same.id).toBe(room.id);
    const users = await anna.users([ben.me as never]);
    expect(users.get(ben.me as never)?.subject).toBe("ben");
  });
});

describe("a program", () => {
  it("hears every event of every room, and answers", async () => {
    const bot = await server.connect("bot");
    const room = await anna.createGroup("with a bot", [{ subject: "bot" }]);
    let answers = 0;
    const working = (async () => {
      for await (const { room: where, events } of bot.events) {
        for (const event of events) {
          const body = event.roomBody();
          if (body.case !== "messagePosted" || event.sender === bot.me) continue;
          await bot.room(where).send(`you said: ${body.value.text}`);
          answers++;
        }
      }
    })();
    const timeline = await room.timeline();
    await room.send("ping");
    await until(() => texts(timeline).includes("you said: ping") && answers === 1, "it answers");
    await bot.disconnect();
    await working;
  });
});

describe("history", () => {
  it("is read page by page, by a device that comes later", async () => {
    const { mine } = await group("history");
    const all = Array.from({ length: 130 }, (_, n) => `message ${n}`);
    await Promise.all(all.map((text) => mine.send(text)));
    const other = await server.connect("anna");
    const timeline = await other.room(mine.id).timeline();
    await other.synced();
    await until(() => texts(timeline).length > 0, "the newest page is there");
    while (await timeline.loadOlder());
    expect(texts(timeline)).toEqual(all);
    expect(timeline.isAtStart).toBe(true);
    await other.disconnect();
  });
});

describe("calls", () => {
  it("answer with what the method answers", async () => {
    const room = await anna.createGroup("calls");
    const { members } = await anna.call(rpc.ListMembers, { room: idBytes(room.id) });
    expect(members.map((user) => user.subject)).toEqual(["anna"]);
    const items = await anna.call(rpc.ReadLog, { room: idBytes(room.id), fromSeq: 1 });
    expect(items.flatMap((item) => item.events).length).toBeGreaterThan(0);
  });

  it("are refused with a reason", async () => {
    const nowhere = anna.room("00000000-0000-4000-8000-000000000000" as never);
    const refused = await nowhere.send("hi").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ParlourError);
    expect(refused).toMatchObject({
      kind: "refused",
      reason: "ROOM_NOT_FOUND",
      class: "NOT_FOUND",
      retry: "NEVER",
    });
  });

  it("can be given up", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(anna.call(rpc.ListOpenRooms, {}, { signal })).rejects.toThrow("enough");
    const given = new AbortController();
    const call = anna.call(rpc.ListOpenRooms, {}, { signal: given.signal });
    given.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });
});

describe("a token", () => {
  it("that runs out is replaced while the connection goes on", async () => {
    const token = vi.fn(async () => server.token("carl", "3s"));
    const carl = await server.connect("carl", { token });
    const states: string[] = [];
    const leave = carl.state.subscribe(() => states.push(carl.state.current.type));
    await until(() => token.mock.calls.length >= 3, "three tokens are used");
    await carl.createGroup("still there");
    leave();
    expect(states).toEqual([]);
    await carl.disconnect();
  });

  it("that is refused stops the client", async () => {
    const refused = server.connect("carl", { token: "no token" });
    const stop = { why: "token-refused", code: "TOKEN_INVALID" };
    await expect(refused).rejects.toMatchObject({ kind: "stopped", stop });
  });
});

describe("a server that isn't there", () => {
  it("leaves a client offline, in time", async () => {
    const options = { url: "http://localhost:9", connectWithinMs: 500 };
    await expect(server.connect("anna", options)).rejects.toMatchObject({ kind: "offline" });
  });
});

describe("a server that stops", () => {
  it("is left, and found again", async () => {
    const { mine, his } = await group("drain");
    await mine.send("before");
    const stopped = server.kill("SIGTERM");
    await until(() => anna.state.current.type !== "live", "anna has left");
    const sent = mine.send("while it is away");
    await stopped;
    await server.run();
    await sent;
    await until(() => texts(his).length === 2, "ben has both");
    expect(texts(his)).toEqual(["before", "while it is away"]);
  });
});

describe("a server that is killed", () => {
  it("loses nothing that was acknowledged, and nothing comes twice", async () => {
    const { mine, hers, his } = await group("crash");
    const acknowledged: string[] = [];
    const sends: Promise<unknown>[] = [];
    const send = (text: string) => sends.push(mine.send(text).then(() => acknowledged.push(text)));
    for (let n = 0; n < 60; n++) send(`before ${n}`);
    await until(() => acknowledged.length > 10, "some are acknowledged");
    await server.kill();
    const safe = [...acknowledged];
    await until(() => anna.state.current.type !== "live", "anna notices");
    for (let n = 0; n < 10; n++) send(`while away ${n}`);
    await server.run();
    await Promise.all(sends);
    expect(acknowledged).toHaveLength(70);
    const expected = [
      ...Array.from({ length: 60 }, (_, n) => `before ${n}`),
      ...Array.from({ length: 10 }, (_, n) => `while away ${n}`),
    ];
    await until(() => texts(his).length >= 70 && texts(hers).length >= 70, "both have all");
    expect(texts(his)).toEqual(expected);
    expect(texts(hers)).toEqual(expected);
    expect(safe.every((text) => texts(his).includes(text))).toBe(true);
    const items = await anna.call(rpc.ReadLog, { room: idBytes(mine.id), fromSeq: 1 });
    const posted = items.flatMap((item) => item.events).filter((event) => event.header?.kind === 10);
    expect(posted).toHaveLength(70);
  });

  it("is reached again by a client that was started without it, and gets what that has kept", async () => {
    const room = await anna.createGroup("later", [{ subject: "ben" }]);
    const cache = new MemoryCache();
    const first = await server.connect("anna", { cache });
    await first.synced();
    await first.disconnect();
    const options = server.options("anna", { cache });
    await server.kill();
    const { Client } = await import("../../src/index.js");
    const offline = await Client.start(options);
    expect(offline.rooms.items.some((one) => one.id === room.id)).toBe(true);
    const queued = await offline.room(room.id).queue("kept");
    await offline.disconnect();
    await expect(queued.sent).rejects.toMatchObject({ kind: "closed" });
    await server.run();
    const again = await Client.connect(options);
    await until(() => again.unsent === 0, "it is sent");
    const his = await ben.room(room.id).timeline();
    await until(() => texts(his).includes("kept"), "ben has it");
    await again.disconnect();
  });
});

function idBytes(id: string): Uint8Array {
  return Uint8Array.from(Buffer.from(id.replaceAll("-", ""), "hex"));
}
