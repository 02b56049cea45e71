import { describe, expect, it } from "vitest";
import { concat, Writer } from "../codec/wire.js";
import { randomFrom } from "../core/testing/events.js";
import { Mux, MuxError, type MuxEvent, type MuxLane } from "./mux.js";

const bytes = (length: number, fill = 7) => new Uint8Array(length).fill(fill);

function deliver(from: Mux, to: Mux): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let message = from.takeMessage(); message; message = from.takeMessage()) {
    messages.push(message);
    to.handleMessage(message);
  }
  return messages;
}

/** A client and a server whose control lane is open. */
function pair() {
  const [client, server] = [new Mux(), new Mux(false)];
  const control = client.open();
  client.send(control, bytes(3));
  deliver(client, server);
  const [opened] = server.takeEvents();
  return { client, server, control, atServer: laneOf(opened) };
}

function laneOf(event: MuxEvent | undefined): MuxLane {
  if (event?.type !== "opened") throw new Error("no lane was opened");
  return event.lane;
}

function frame(...numbers: number[]): Uint8Array {
  const writer = new Writer();
  for (const number of numbers) writer.varint(number);
  return writer.finish();
}

describe("the mux", () => {
  it("opens the client's lanes as 0, 2, 4 in the order of their first frames", () => {
    const { client, server } = pair();
    client.handleMessage(frame(5, 17));
    const [second, third] = [client.open(), client.open()];
    client.send(third, bytes(1));
    deliver(client, server);
    client.send(second, bytes(1));
    deliver(client, server);
    expect([third.id, second.id]).toEqual([2, 4]);
  });

  it("takes numbers of no more bytes than they need", () => {
    const { client } = pair();
    client.handleMessage(Uint8Array.of(4, 0, 0x80, 0x01));
    expect(() => client.handleMessage(Uint8Array.of(4, 0, 0x80, 0))).toThrow(MuxError);
    expect(() => client.handleMessage(Uint8Array.of(4, 0x80, 0, 1))).toThrow(MuxError);
  });

  it("opens no more lanes than the server allows", () => {
    const { client, server } = pair();
    const lanes = [client.open(), client.open()];
    for (const lane of lanes) client.send(lane, bytes(1));
    deliver(client, server);
    expect(lanes.map((lane) => lane.id)).toEqual([2, undefined]);
    server.allowLanes(3);
    deliver(server, client);
    deliver(client, server);
    expect(lanes.map((lane) => lane.id)).toEqual([2, 4]);
  });

  it("sends no more on a lane than there is credit for", () => {
    const { client, server, control, atServer } = pair();
    client.send(control, bytes(100_000));
    deliver(client, server);
    expect(control.sent).toBe(32 * 1024);
    server.read(atServer, 32 * 1024);
    deliver(server, client);
    deliver(client, server);
    expect(control.sent).toBe(100_003);
  });

  it("gives credit once half of it is used up", () => {
    const { client, server, control, atServer } = pair();
    server.send(atServer, bytes(200 * 1024));
    deliver(server, client);
    client.read(control, 127 * 1024);
    expect(client.takeMessage()).toBeUndefined();
    client.read(control, 1024);
    expect(client.takeMessage()).toEqual(frame(4, 0, 384 * 1024));
  });

  it("sends control before everything and lets the others take turns", () => {
    const { client, server, control } = pair();
    client.handleMessage(frame(5, 9));
    const others = [client.open(), client.open()];
    for (const lane of others) client.send(lane, bytes(32 * 1024));
    client.send(control, bytes(10));
    const lanes = deliver(client, server).map((message) => message[1]);
    expect(lanes).toEqual([0, 2, 4, 2, 4]);
  });

  it("carries at most 16 KiB of a lane in a message", () => {
    const { client, server, control } = pair();
    client.send(control, bytes(30_000));
    const lengths = deliver(client, server).map((message) => message.length - 2);
    expect(lengths).toEqual([16_384, 13_616]);
  });

  it("ends a lane with its last bytes", () => {
    const { client, server, control } = pair();
    client.send(control, bytes(5));
    client.end(control);
    expect(client.takeMessage()).toEqual(concat([frame(1, 0), bytes(5)]));
    expect(server.takeEvents()).toEqual([]);
  });

  it("answers a stop with a reset, once", () => {
    const { client, server, control, atServer } = pair();
    client.send(control, bytes(5));
    server.stop(atServer, 0x204);
    deliver(server, client);
    expect(client.takeEvents()).toEqual([{ type: "stopped", lane: control, code: 0x204 }]);
    expect(deliver(client, server)).toEqual([frame(2, 0, 0x204)]);
    deliver(server, client);
    expect(client.takeMessage()).toBeUndefined();
  });

  it("passes over what was on its way when it wanted no more", () => {
    const { client, server, control, atServer } = pair();
    server.send(atServer, bytes(10));
    const onItsWay = server.takeMessage() ?? bytes(0);
    client.stop(control, 1);
    client.handleMessage(onItsWay);
    expect(client.takeEvents()).toEqual([]);
  });

  it("tells of a lane that the other side gives up, and of its code", () => {
    const { client, server, atServer, control } = pair();
    server.reset(atServer, 0x303);
    deliver(server, client);
    expect(client.takeEvents()).toEqual([{ type: "reset", lane: control, code: 0x303 }]);
  });

  it("never tells the other side of a lane that was given up before its first frame", () => {
    const { client, server } = pair();
    client.reset(client.open(), 1);
    expect(deliver(client, server)).toEqual([]);
  });

  it("hears the event lane, one way", () => {
    const { client, server } = pair();
    const events = server.open();
    server.send(events, bytes(4));
    deliver(server, client);
    const heard = client.takeEvents();
    expect(heard.map((event) => event.type)).toEqual(["opened", "data"]);
    expect(laneOf(heard[0]).sending).toBe("done");
  });

  it("takes a lane that is named as opened, and those of its side below it", () => {
    const { client } = pair();
    client.handleMessage(frame(0, 5, 1));
    const opened = client.takeEvents().filter((event) => event.type === "opened");
    expect(opened.map((event) => event.lane.id)).toEqual([1, 3, 5]);
  });

  it("carries datagrams, and drops those that are too many or too large", () => {
    const { client, server } = pair();
    client.sendDatagram(bytes(1001));
    for (let n = 0; n < 40; n++) client.sendDatagram(bytes(3, n));
    deliver(client, server);
    expect(server.takeEvents()).toHaveLength(16);
  });

  it("says nothing after it closed, and hears nothing", () => {
    const { client, server, control } = pair();
    client.send(control, bytes(10));
    client.close(0x400, "bye");
    expect(deliver(client, server)).toHaveLength(1);
    expect(server.takeEvents()).toEqual([{ type: "closed", code: 0x400, reason: "bye" }]);
    client.handleMessage(frame(0, 9, 9));
    expect(client.takeEvents()).toEqual([]);
  });

  it("ignores messages of a kind it doesn't know", () => {
    const { client } = pair();
    client.handleMessage(frame(8, 1, 2, 3));
    expect(client.takeEvents()).toEqual([]);
  });

  it.each([
    ["an empty message", new Uint8Array(0)],
    ["a lane far beyond the others", frame(0, 1001, 1)],
    ["a lane of the client's that it didn't open", frame(0, 2, 1)],
    ["a stop of a lane that isn't open", frame(3, 1, 1)],
    ["credit for a lane that isn't open", frame(4, 1, 1)],
    ["a varint without end", new Uint8Array([0, 0x80])],
    ["something behind a reset", frame(2, 0, 1, 1)],
    ["a datagram that is too large", concat([frame(6), bytes(1001)])],
    ["a message over 64 KiB", concat([frame(0, 0), bytes(66_000)])],
  ])("takes %s as a broken rule", (_, message) => {
    expect(() => pair().client.handleMessage(message)).toThrow(MuxError);
  });

  it("takes bytes beyond the credit, and after the end, as broken rules", () => {
    const { client } = pair();
    for (let n = 0; n < 4; n++) client.handleMessage(concat([frame(0, 0), bytes(64 * 1024)]));
    expect(() => client.handleMessage(frame(0, 0, 1))).toThrow(MuxError);
    const other = pair().client;
    other.handleMessage(frame(1, 0));
    expect(() => other.handleMessage(frame(0, 0, 1))).toThrow(MuxError);
  });

  it("takes LANES from a client as a broken rule", () => {
    expect(() => pair().server.handleMessage(frame(5, 9))).toThrow(MuxError);
  });

  it("takes late words on a lane that is over for what they are", () => {
    const { client, server, control, atServer } = pair();
    client.end(control);
    server.end(atServer);
    deliver(client, server);
    deliver(server, client);
    client.handleMessage(frame(4, 0, 400_000));
    client.handleMessage(frame(3, 0, 1));
    expect(client.takeMessage()).toBeUndefined();
  });
});

/** What one side has heard of the other's lanes. */
class Heard {
  readonly pieces = new Map<MuxLane, Uint8Array[]>();
  readonly over = new Set<MuxLane>();
  readonly reset = new Set<MuxLane>();
  /** Lanes of which this side wants no more: nothing is heard of them. */
  readonly unwanted = new Set<MuxLane>();

  take(mux: Mux, random: () => number): void {
    for (const event of mux.takeEvents()) {
      if (event.type === "data") {
        if (this.unwanted.has(event.lane)) continue;
        this.pieces.set(event.lane, [...(this.pieces.get(event.lane) ?? []), event.bytes]);
        // Read in pieces, as an application might.
        const first = Math.floor(event.bytes.length * random());
        mux.read(event.lane, first);
        mux.read(event.lane, event.bytes.length - first);
        if (random() < 0.01) {
          mux.stop(event.lane, 3);
          this.unwanted.add(event.lane);
        }
      } else if (event.type === "ended") this.over.add(event.lane);
      else if (event.type === "reset") this.reset.add(event.lane);
    }
  }
}

/** Two sides that do random things from one seed, and all that was said and heard. */
class Conversation {
  readonly client = new Mux();
  readonly server = new Mux(false);
  readonly atClient = new Heard();
  readonly atServer = new Heard();
  readonly said = new Map<MuxLane, Uint8Array[]>();
  readonly ended = new Set<MuxLane>();
  readonly givenUp = new Set<MuxLane>();
  private readonly open = [{ lane: this.client.open(), mux: this.client }];

  constructor(private readonly random: () => number) {
    this.server.allowLanes(40);
  }

  step(): void {
    const pick = this.random();
    if (pick < 0.05 && this.open.length < 20) {
      const mux = this.random() < 0.8 ? this.client : this.server;
      this.open.push({ lane: mux.open(), mux });
    } else if (pick < 0.5) this.speak();
    else {
      const [from, to] = pick < 0.75 ? [this.client, this.server] : [this.server, this.client];
      const message = from.takeMessage();
      if (message) to.handleMessage(message);
      this.hear();
    }
  }

  finish(): void {
    while (deliver(this.client, this.server).length + deliver(this.server, this.client).length > 0)
      this.hear();
  }

  private speak(): void {
    const chosen = this.open[Math.floor(this.random() * this.open.length)];
    if (chosen === undefined || this.ended.has(chosen.lane)) return;
    const { lane, mux } = chosen;
    if (this.random() < 0.03) {
      this.givenUp.add(lane);
      mux.reset(lane, 5);
    }
    if (this.givenUp.has(lane)) return;
    const piece = bytes(Math.floor(this.random() ** 4 * 50_000), Math.floor(this.random() * 256));
    this.said.set(lane, [...(this.said.get(lane) ?? []), piece]);
    mux.send(lane, piece);
    if (this.random() < 0.1) {
      this.ended.add(lane);
      mux.end(lane);
    }
  }

  private hear(): void {
    this.atServer.take(this.server, this.random);
    this.atClient.take(this.client, this.random);
  }
}

const text = (pieces: Uint8Array[]) => Buffer.concat(pieces);

describe("a mux that hears anything", () => {
  it("takes it, or says that a rule is broken", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomFrom(seed);
      const { client, control } = pair();
      try {
        for (let message = 0; message < 30; message++) {
          const length = Math.floor(random() * 12);
          const byte = () => Math.floor(random() * (random() < 0.7 ? 8 : 256));
          client.handleMessage(Uint8Array.from({ length }, byte));
          for (const event of client.takeEvents())
            if (event.type === "data") client.read(event.lane, event.bytes.length);
          client.send(control, bytes(1));
          client.takeMessage();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MuxError);
      }
    }
  });
});

describe("two muxes back to back", () => {
  it("lose nothing and mix nothing up, whatever is sent, ended and given up when", () => {
    let breaks = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const talk = new Conversation(randomFrom(seed));
      for (let step = 0; step < 400; step++) talk.step();
      talk.finish();
      const heard = new Map(
        [...talk.atServer.pieces, ...talk.atClient.pieces].map(([lane, some]) => [lane.id, some]),
      );
      const ids = (...sets: Set<MuxLane>[]) =>
        new Set(sets.flatMap((lanes) => [...lanes].map((lane) => lane.id)));
      const broken = ids(talk.givenUp, talk.atServer.unwanted, talk.atClient.unwanted);
      for (const [lane, pieces] of talk.said) {
        const [all, some] = [text(pieces), text(heard.get(lane.id) ?? [])];
        const isAsSaid = broken.has(lane.id) ? all.subarray(0, some.length).equals(some) : all.equals(some);
        expect(isAsSaid, `seed ${seed}, lane ${lane.id}`).toBe(true);
      }
      const over = ids(talk.atServer.over, talk.atClient.over);
      for (const { id } of talk.ended)
        expect(broken.has(id) || over.has(id), `seed ${seed}, lane ${id}`).toBe(true);
      breaks += talk.atServer.reset.size + talk.atClient.reset.size + talk.atServer.unwanted.size;
    }
    expect(breaks).toBeGreaterThan(20);
  });
});
