/** Messages that the user keeps for themselves. */

import type { Signal } from "../core/signal.js";
import { ListSaved, SaveMessage, UnsaveMessage } from "../generated/rpc.js";
import { fieldOf, idOf, type RoomId } from "../ids.js";
import { SAVED_PAGE } from "../limits.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { Listed, withOne } from "./listed.js";

/** A message that is saved. */
export interface SavedMessage {
  readonly room: RoomId;
  /** Its number in the room's log. */
  readonly seq: number;
  /** Since when, Unix milliseconds. */
  readonly savedAtMs: number;
  /**
   * Whether it can't be read any more: it is deleted, or the user isn't in its room. It counts until it is taken off
   * the list.
   */
  readonly isGone: boolean;
}

/** What the user has saved, on all their devices, the newest first; nobody else hears of it. `close` it after use. */
export class SavedMessages extends Listed<SavedMessage> {
  readonly #client: Client;

  private constructor(client: Client) {
    super({ driver: driverOf(client), read: (options) => listSaved(client, options), hear: heard });
    this.#client = client;
  }

  /** All of them, once they are there. */
  static async open(client: Client, options: CallOptions = {}): Promise<SavedMessages> {
    const saved = new SavedMessages(client);
    try {
      await saved.refresh(options);
      return saved;
    } catch (error) {
      saved.close();
      throw error;
    }
  }

  /** Whether the message at `seq` of a room is saved. */
  has(room: RoomId, seq: number): boolean {
    return this.items.some((one) => one.room === room && one.seq === seq);
  }

  /** Saves the message at `seq`. Fails with `ROOM_NOT_FOUND`, `MESSAGE_NOT_FOUND`, and `TOO_MANY_SAVED` above 1,000. */
  async save(room: RoomId, seq: number, options: CallOptions = {}): Promise<void> {
    await this.#client.call(SaveMessage, { room: fieldOf(room), seq }, options);
  }

  /** Takes a message off the list, also one that can't be read any more. */
  async unsave(room: RoomId, seq: number, options: CallOptions = {}): Promise<void> {
    await this.#client.call(UnsaveMessage, { room: fieldOf(room), seq }, options);
  }
}

async function listSaved(client: Client, options: CallOptions): Promise<SavedMessage[]> {
  const saved: SavedMessage[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(ListSaved, { page, pageSize: SAVED_PAGE }, options);
    for (const { room: field, seq, savedAtMs, gone } of answer.saved) {
      const room = idOf(field);
      if (room) saved.push({ room, seq, savedAtMs, isGone: gone });
    }
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return saved;
}

function heard(signal: Signal, items: readonly SavedMessage[]) {
  // What is in the list may be gone with its room.
  if (signal.type === "learned") return "read";
  if (signal.type !== "own") return undefined;
  if (signal.body.case === "messageSaved" || signal.body.case === "roomLost") return "read";
  if (signal.body.case !== "messageUnsaved") return undefined;
  const { room, seq } = signal.body.value;
  return withOne(items, keyOf, `${idOf(room)} ${seq}`, undefined);
}

function keyOf({ room, seq }: SavedMessage): string {
  return `${room} ${seq}`;
}
