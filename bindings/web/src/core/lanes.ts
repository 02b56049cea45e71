/** Decoders of the event lane, of bulk lanes and of datagrams. */

import { frame, Splitter } from "../codec/frame.js";
import { decode } from "../codec/message.js";
import { concat } from "../codec/wire.js";
import type { PresenceUpdate } from "../generated/presence/v1/presence.js";
import type { Error as WireError } from "../generated/wire/v1/error.js";
import {
  BulkCall,
  BulkItem,
  Ephemeral,
  EventFrame,
  LaneKind,
  LaneOpen,
  type RoomPulse,
} from "../generated/wire/v1/lanes.js";
import type { RoomId } from "../ids.js";
import { BULK_FRAME_BYTES_MAX, EVENT_FRAME_BYTES_MAX } from "../limits.js";
import { eventsIn, type LogEvent, roomIn, submessages } from "./event.js";

/** What the event lane and datagrams say. */
export type Live =
  /** Events of one room, in order. */
  | { type: "room"; room: RoomId; events: LogEvent[] }
  /** Events of the user's own log, in order. */
  | { type: "user"; events: LogEvent[] }
  /** The head of a room whose events aren't sent. */
  | { type: "pulse"; pulse: RoomPulse }
  /** Events of these rooms were left out. */
  | { type: "gap"; pulses: RoomPulse[] }
  /** Heads of logs with recent changes, and of the user's own. */
  | { type: "heads"; pulses: RoomPulse[]; userSeq: number }
  /** Something that may be lost. */
  | { type: "ephemeral"; ephemeral: Ephemeral }
  /** Users who are watched, as they are now. */
  | { type: "presence"; update: PresenceUpdate };

/** The lane's first message names a kind this client doesn't know. */
export class UnknownLane extends Error {
  override readonly name = "UnknownLane";
}

/** The server's event lane. */
export class EventLane {
  readonly #frames = new Splitter(EVENT_FRAME_BYTES_MAX);
  #isOpen = false;

  /** Takes bytes as they came. */
  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  /** The next thing the lane says. Throws `FrameError`, `Malformed` or `UnknownLane`. */
  nextLive(): Live | undefined {
    for (;;) {
      const bytes = this.#frames.nextFrame();
      if (bytes === undefined) return undefined;
      if (this.#isOpen) {
        const live = readLive(bytes);
        if (live !== undefined) return live;
      } else {
        if (decode(LaneOpen, bytes).kind !== LaneKind.EVENT) throw new UnknownLane();
        this.#isOpen = true;
      }
    }
  }
}

/** One frame of the event lane. An arm this client doesn't know is no error. */
function readLive(bytes: Uint8Array): Live | undefined {
  // Events are taken from the raw frame: what is written anew loses what isn't known.
  const [roomEvents] = submessages(1, bytes);
  if (roomEvents !== undefined) return readRoomEvents(roomEvents);
  const [userEvents] = submessages(2, bytes);
  if (userEvents !== undefined) return { type: "user", events: eventsIn(1, userEvents) };
  const { frame: arm } = decode(EventFrame, bytes);
  switch (arm?.case) {
    case "pulse":
      return { type: "pulse", pulse: arm.value };
    case "gap":
      return { type: "gap", pulses: arm.value.rooms };
    case "heads":
      return { type: "heads", pulses: arm.value.rooms, userSeq: arm.value.userSeq };
    case "ephemeral":
      return { type: "ephemeral", ephemeral: arm.value };
    case "presence":
      return { type: "presence", update: arm.value };
    default:
      return undefined;
  }
}

/** This client wants all of its rooms' events: stretches with some left out never come. */
function readRoomEvents(raw: Uint8Array): Live {
  const [room] = submessages(1, raw);
  return { type: "room", room: roomIn(room), events: eventsIn(2, raw) };
}

/** What a datagram says; a malformed one is nothing. */
export function readDatagram(bytes: Uint8Array): Live | undefined {
  try {
    return { type: "ephemeral", ephemeral: decode(Ephemeral, bytes) };
  } catch {
    return undefined;
  }
}

/** All that a client sends on a bulk lane. */
export function bulkRequest(method: number, body: Uint8Array): Uint8Array {
  return concat([frame(LaneOpen, { kind: LaneKind.BULK }), frame(BulkCall, { method, body })]);
}

/** What a bulk lane says. */
export type Bulk =
  /** One response message. */
  | { type: "item"; body: Uint8Array }
  /** The call failed. */
  | { type: "failed"; error: WireError }
  /** Everything was said. */
  | { type: "end" };

/** The answers of one bulk lane. */
export class BulkLane {
  readonly #frames = new Splitter(BULK_FRAME_BYTES_MAX);
  #isEnded = false;

  /** Takes bytes as they came. */
  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  /** The next thing the lane says; nothing after its end. Throws `FrameError` or `Malformed`. */
  nextBulk(): Bulk | undefined {
    while (!this.#isEnded) {
      const bytes = this.#frames.nextFrame();
      if (bytes === undefined) return undefined;
      const { item } = decode(BulkItem, bytes);
      if (item?.case === "body") return { type: "item", body: item.value };
      if (item === undefined) continue;
      this.#isEnded = true;
      return item.case === "error" ? { type: "failed", error: item.value } : { type: "end" };
    }
    return undefined;
  }

  /** The stream has ended: whether everything was said. One that was cut off is no answer. */
  get isComplete(): boolean {
    return this.#isEnded;
  }
}
