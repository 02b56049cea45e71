/** A room's pinned messages. */

import { decode, encode } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { eventsIn, type LogEvent } from "../core/event.js";
import { itemsOf } from "../core/timeline/timeline.js";
import { ParlourError } from "../errors.js";
import { ListPinsItem, type Pinned } from "../generated/pin/v1/pin.js";
import { ListPins } from "../generated/rpc.js";
import { fieldOf, idOf, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import type { Driver } from "./driver.js";
import { lineOf, type Message } from "./message.js";
import type { Room } from "./room.js";

/** A pinned message, as of when it was asked for. */
export interface Pin {
  /** The message's number in the log. */
  readonly seq: number;
  /** The message; absent where the server can't read it. */
  readonly message: Message | undefined;
  /** Who pinned it. */
  readonly by: UserId | undefined;
  /** When, Unix milliseconds. */
  readonly atMs: number;
}

/** Asks for a room's pins, the newest first. */
export async function pinsOf(room: Room, driver: Driver, { signal }: CallOptions): Promise<Pin[]> {
  signal?.throwIfAborted();
  const body = encode(ListPins.request, { room: fieldOf(room.id) });
  const items = await driver.ask({ method: ListPins.id, body }, signal);
  try {
    return read(room, items);
  } catch (cause) {
    throw cause instanceof Malformed ? new ParlourError("malformed", { cause }) : cause;
  }
}

function read(room: Room, items: readonly Uint8Array[]): Pin[] {
  const all = (field: number): LogEvent[] => items.flatMap((item) => eventsIn(field, item));
  const messages = new Map<number, Message>();
  for (const item of itemsOf(room.id, room.client.me, all(1), all(2))) {
    if (item.type === "message") messages.set(item.place.number, lineOf(item, room) as Message);
  }
  const pin = ({ targetSeq, sender, atMs }: Pinned): Pin => {
    return { seq: targetSeq, message: messages.get(targetSeq), by: idOf<UserId>(sender), atMs };
  };
  return items.flatMap((item) => decode(ListPinsItem, item).pins.map(pin));
}
