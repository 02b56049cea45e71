// A network between clients and server that breaks all the time.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/testing/events.js";
import type { Client, Message, Timeline } from "../../src/index.js";
import * as rpc from "../../src/rpc.js";
import { TestServer, until } from "./server.js";

/** Carries connections to a port, and cuts them when told: at once, or in the middle of what it carries. */
class Cable {
  private readonly pairs = new Set<[Socket, Socket]>();
  /** Bytes that it still carries before the next cut. */
  private left = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(port: number): Promise<Cable> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    const cable = new Cable(server, `http://127.0.0.1:${address.port}`);
    server.on("connection", (near) => cable.carry(near, connect(port, "127.0.0.1")));
    return cable;
  }

  private carry(near: Socket, far: Socket): void {
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => {
        const carried = bytes.subarray(0, this.left);
        this.left -= bytes.length;
        to.write(carried);
        if (this.left <= 0) this.cut();
      });
      from.on("error", end);
      from.on("close", end);
    }
  }

  /** Cuts everything after so many bytes. */
  cutAfter(bytes: number): void {
    this.left = bytes;
  }

  cut(): void {
    this.left = Number.POSITIVE_INFINITY;
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
    this.pairs.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}

let server: TestServer;
let cable: Cable;

beforeAll(async () => {
  server = await TestServer.start();
  cable = await Cable.start(server.httpPort);
});

afterAll(async () => {
  await cable?.stop();
  await server?.stop();
});

const own = (timeline: Timeline): Message[] =>
  timeline.items.filter((item): item is Message => item.type === "message");

/** Sends texts at random moments, and now and then changes a message. */
async function chat(
  client: Client,
  room: Parameters<Client["room"]>[0],
  timeline: Timeline,
  count: number,
  random: () => number,
) {
  const sends: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    sends.push(client.room(room).send(`${client.me} ${n}`));
    const messages = own(timeline).filter((message) => message.seq !== undefined && !message.isDeleted);
    const chosen = messages[Math.floor(random() * messages.length)];
    if (chosen && random() < 0.3) sends.push(chosen.react("👍"));
    if (chosen?.isOwn && random() < 0.2) sends.push(chosen.edit(`${chosen.text}!`));
    await new Promise((resolve) => setTimeout(resolve, random() * 30));
  }
  await Promise.all(sends);
}

describe("over a network that breaks all the time", () => {
  it.each([1, 2, 3])("everything arrives, once and in order (%d)", async (seed) => {
    const random = randomFrom(seed);
    const connected = ["anna", "ben", "carl"].map((who) => server.connect(who, { url: cable.url }));
    const [anna, ben, carl] = await Promise.all(connected);
    if (!anna || !ben || !carl) throw new Error("no clients");
    const group = await anna.createGroup(`faults ${seed}`, [{ subject: "ben" }, { subject: "carl" }]);
    await until(() => ben.room(group.id).summary && carl.room(group.id).summary, "they hear of the room");
    const [hers, his] = await Promise.all([anna, ben].map((client) => client.room(group.id).timeline()));
    if (!hers || !his) throw new Error("no timelines");
    let connections = 0;
    let wasLive = true;
    const count = () => {
      const isLive = anna.state.current.type === "live";
      if (isLive && !wasLive) connections++;
      wasLive = isLive;
    };
    anna.state.subscribe(count);
    const cutter = setInterval(() => {
      if (random() < 0.5) cable.cut();
      else cable.cutAfter(Math.floor(random() * 3000));
      // Else the back-off decides how long the test takes.
      for (const client of [anna, ben, carl]) client.networkChanged();
    }, 150);
    await Promise.all([chat(anna, group.id, hers, 200, random), chat(ben, group.id, his, 200, random)]);
    clearInterval(cutter);
    cable.cut();
    for (const client of [anna, ben, carl]) client.networkChanged();
    await until(() => own(hers).length === 400 && own(his).length === 400, "both have all");
    const shown = (timeline: Timeline) =>
      own(timeline).map(({ seq, text, sender, reactions }) => ({ seq, text, sender, reactions }));
    await until(() => JSON.stringify(shown(hers)) === JSON.stringify(shown(his)), "both see the same");
    for (const client of [anna, ben]) {
      const numbers = own(hers)
        .filter((message) => message.sender === client.me)
        .map((message) => Number(/ (\d+)/.exec(message.text)?.[1]));
      expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n));
    }
    const room = Uint8Array.from(Buffer.from(group.id.replaceAll("-", ""), "hex"));
    const items = await anna.call(rpc.ReadLog, { room, fromSeq: 1 });
    const posted = items.flatMap((item) => item.events).filter((event) => event.header?.kind === 10);
    expect(posted).toHaveLength(400);
    // Who has only listened has counted all of them, however they came.
    await until(() => carl.room(group.id).summary?.unread === 400, "carl has counted all");
    expect(connections).toBeGreaterThan(3);
    await Promise.all([anna, ben, carl].map((client) => client.disconnect()));
  });
});
