/** An organization with a life: who says what where, told by `story.ts`, is done by their clients. */

import type { Client, Room, RoomId, Thread } from "@parlour/client";
import { fieldOf, RoomKind } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import type { TestServer } from "./server.ts";
import { DIRECTORY, type Line, PEOPLE, ROOMS, type Scene, STORY } from "./story.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What is there afterwards. */
export interface Seeded {
  readonly rooms: ReadonlyMap<string, RoomId>;
  readonly sent: number;
}

/** Makes all of it. The last day of the story is today. */
export async function seed(server: TestServer): Promise<Seeded> {
  const today = new Date().setHours(0, 0, 0, 0);
  const first = Math.min(...STORY.map(({ day }) => day));
  server.setTime(today + first * DAY_MS + 7 * 60 * MINUTE_MS);
  server.apply(DIRECTORY);
  const teller = new Teller(server, today);
  try {
    await teller.arrive();
    await teller.makeRooms();
    for (const scene of STORY) await teller.play(scene);
    return { rooms: teller.ids, sent: teller.sent };
  } finally {
    server.setTime(Number.POSITIVE_INFINITY);
    await teller.leave();
  }
}

class Teller {
  sent = 0;
  private readonly clients = new Map<string, Client>();
  private readonly rooms = new Map<string, RoomId>();

  constructor(
    private readonly server: TestServer,
    private readonly today: number,
  ) {}

  get ids(): ReadonlyMap<string, RoomId> {
    return this.rooms;
  }

  async arrive(): Promise<void> {
    for (const { subject, name } of PEOPLE)
      this.clients.set(subject, await this.server.connect(subject, name));
    for (const { subject, status } of PEOPLE) {
      if (status) await this.client(subject).call(rpc.SetStatus, { status: { ...status, expiresAtMs: 0 } });
    }
  }

  async leave(): Promise<void> {
    for (const client of this.clients.values()) await client.disconnect();
  }

  async makeRooms(): Promise<void> {
    for (const { key, name, by, members, topic, isOpen } of ROOMS) {
      const client = this.client(by);
      const room = await client.createGroup(
        name,
        members.map((subject) => ({ subject })),
      );
      this.rooms.set(key, room.id);
      const field = { room: fieldOf(room.id) };
      if (topic) await client.call(rpc.SetTopic, { ...field, topic });
      if (isOpen) await client.call(rpc.SetOpen, { ...field, open: true });
    }
    const [someone] = this.clients.values();
    await someone?.synced();
    for (const room of someone?.rooms.items ?? []) {
      if (room.kind >= RoomKind.ORGANIZATION) this.rooms.set(room.name, room.id);
    }
  }

  async play({ room: key, day, from, lines }: Scene): Promise<void> {
    const [hour = 9, minute = 0] = from.split(":").map(Number);
    let atMs = this.today + day * DAY_MS + (hour * 60 + minute) * MINUTE_MS;
    for (const line of lines) {
      this.server.setTime(Math.min(atMs, this.today + 2 * DAY_MS));
      await this.say(key, line);
      atMs += (line.after ?? 1) * MINUTE_MS;
    }
  }

  private async say(key: string, line: Line): Promise<void> {
    const room = await this.room(key, line.by);
    const seq = await this.post(room, line, undefined);
    let atMs = Date.now();
    for (const reply of line.thread ?? []) {
      atMs += (reply.after ?? 2) * MINUTE_MS;
      this.server.setTime(atMs);
      await this.post((await this.room(key, reply.by)).thread(seq), reply, seq);
    }
  }

  private async post(into: Room | Thread, line: Line, root: number | undefined): Promise<number> {
    const room = "room" in into ? into.room : into;
    const client = this.client(line.by);
    const mentions = (line.mentions ?? []).flatMap((subject) => this.client(subject).me ?? []);
    const replyTo = line.answers ? this.said.get(line.answers) : undefined;
    const text = line.text ?? "";
    const draft = { text, mentions, replyTo, ...(line.poll && { poll: line.poll }) };
    const { seq } = await into.send(draft);
    this.sent += 1;
    if (line.as) this.said.set(line.as, seq);
    for (const [emoji, who] of Object.entries(line.reactions ?? {})) {
      for (const subject of who) await (await this.sameRoom(room, subject)).react(seq, emoji);
    }
    for (const [subject, choices] of Object.entries(line.votes ?? {})) {
      await (await this.sameRoom(room, subject)).vote(seq, choices);
    }
    if (line.isPinned) await client.room(room.id).pin(seq);
    if (line.editedTo) await client.room(room.id).edit(seq, line.editedTo);
    if (line.isDeleted) await client.room(room.id).delete(seq);
    return root === undefined ? seq : root;
  }

  private readonly said = new Map<string, number>();

  private async sameRoom(room: Room, subject: string): Promise<Room> {
    return this.client(subject).room(room.id);
  }

  /** `with:ben` is the direct room of whoever speaks and Ben. */
  private async room(key: string, by: string): Promise<Room> {
    const client = this.client(by);
    if (!key.startsWith("direct:")) return client.room(this.rooms.get(key) as RoomId);
    const [one = "", other = ""] = key.slice("direct:".length).split("+");
    const room = await client.openDirect({ subject: by === one ? other : one });
    this.rooms.set(key, room.id);
    return room;
  }

  private client(subject: string): Client {
    const client = this.clients.get(subject);
    if (!client) throw new Error(`nobody is called ${subject}`);
    return client;
  }
}
