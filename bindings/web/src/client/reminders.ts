/** What the user wants to be told of at a time (PROTOCOL.md, section 37). */

import type { Signal } from "../core/signal.js";
import type { Reminder as WireReminder } from "../generated/reminder/v1/reminder.js";
import { DeleteReminder, ListReminders, SetReminder } from "../generated/rpc.js";
import { type ClientRef, fieldOf, idOf, type RoomId, uuidV7 } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { randomBytes } from "./environment.js";
import { Listed, withOne } from "./listed.js";

/** Something to be told of at a time. */
export interface Reminder {
  readonly id: ClientRef;
  /** When, Unix milliseconds. */
  readonly atMs: number;
  /** The message it is about. */
  readonly about: { readonly room: RoomId; readonly seq: number } | undefined;
  /** At most 1,024 bytes; may be empty where there is a message. */
  readonly text: string;
  /** Whether its time has come. */
  readonly isDue: boolean;
}

/** The user's reminders, on all their devices; nobody else hears of them. `close` it after use. */
export class Reminders extends Listed<Reminder> {
  readonly #client: Client;

  private constructor(client: Client) {
    super({ driver: driverOf(client), read: (options) => listReminders(client, options), hear: heard });
    this.#client = client;
  }

  /** Those that were due and those that wait, once they are there. */
  static async open(client: Client, options: CallOptions = {}): Promise<Reminders> {
    const reminders = new Reminders(client);
    try {
      await reminders.refresh(options);
      return reminders;
    } catch (error) {
      reminders.close();
      throw error;
    }
  }

  /**
   * Keeps a reminder for that time (Unix milliseconds), at most 400 days ahead. Fails with `INVALID_FIELD` for a time
   * that has gone by or a text over its bound, with `MESSAGE_NOT_FOUND`, and with `TOO_MANY_REMINDERS` above 500.
   */
  async set(
    atMs: number,
    what: { text?: string; about?: Reminder["about"] },
    options: CallOptions = {},
  ): Promise<ClientRef> {
    const id = uuidV7(Date.now(), randomBytes(10));
    await this.update({ id, atMs, text: what.text ?? "", about: what.about }, options);
    return id;
  }

  /** Gives one another time or text. One that was due waits again. Fails as `set`. */
  async update({ id, atMs, about, text }: Omit<Reminder, "isDue">, options: CallOptions = {}): Promise<void> {
    const at = about ? { room: fieldOf(about.room), seq: about.seq } : {};
    await this.#client.call(SetReminder, { reminder: { id: fieldOf(id), atMs, text, ...at } }, options);
  }

  /** Takes one off the list. Does nothing where it isn't there. */
  async delete(id: ClientRef, options: CallOptions = {}): Promise<void> {
    await this.#client.call(DeleteReminder, { id: fieldOf(id) }, options);
  }
}

async function listReminders(client: Client, options: CallOptions): Promise<Reminder[]> {
  const reminders: Reminder[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(ListReminders, { page }, options);
    reminders.push(...answer.reminders.flatMap((one) => reminderOf(one) ?? []));
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return reminders;
}

function heard(signal: Signal, items: readonly Reminder[]) {
  if (signal.type === "learned") return "read";
  if (signal.type !== "own" || signal.body.case !== "reminderChanged") return undefined;
  const { reminder, deleted } = signal.body.value;
  const id = idOf<ClientRef>(reminder?.id);
  if (id === undefined || reminder === undefined) return undefined;
  return withOne(items, (one) => one.id, id, deleted ? undefined : reminderOf(reminder));
}

function reminderOf({
  id: field,
  atMs,
  room: roomField,
  seq,
  text,
  due,
}: WireReminder): Reminder | undefined {
  const [id, room] = [idOf<ClientRef>(field), idOf(roomField)];
  return id && { id, atMs, about: room && { room, seq }, text, isDue: due };
}
