/** Messages that the server sends later (PROTOCOL.md, section 36). */

import { decode } from "../codec/message.js";
import { sendOf } from "../core/payload.js";
import type { Signal } from "../core/signal.js";
import { attachmentsOf } from "../core/timeline/item.js";
import { ParlourError } from "../errors.js";
import { MessagePosted, type SendRequest } from "../generated/message/v1/message.js";
import { CancelScheduled, ListScheduled, ScheduleSend, UpdateScheduled } from "../generated/rpc.js";
import { ScheduledState, type Scheduled as WireScheduled } from "../generated/schedule/v1/schedule.js";
import { type ClientRef, fieldOf, idOf, idsOf, type RoomId, type UserId, uuidV7 } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { type Draft, type NewPoll, postPayload, type Sendable } from "./draft.js";
import { randomBytes } from "./environment.js";
import { Listed } from "./listed.js";

/** A message that isn't sent yet. */
export interface Scheduled {
  readonly id: ClientRef;
  /** Where it will be sent. */
  readonly room: RoomId;
  /** When, Unix milliseconds. */
  readonly sendAtMs: number;
  /** What it says. */
  readonly draft: Draft;
  /** Whether it waits, is on its way, or failed. */
  readonly state: "waiting" | "sending" | "failed";
  /** Why it failed. */
  readonly error: ParlourError | undefined;
}

const STATES: Record<number, Scheduled["state"]> = {
  [ScheduledState.SENDING]: "sending",
  [ScheduledState.FAILED]: "failed",
};

/**
 * The user's scheduled messages, on all their devices, in the order they were made; nobody else hears of one before
 * it is sent. A message that is scheduled some seconds ahead can be taken back in that time. `close` it after use.
 */
export class Schedule extends Listed<Scheduled> {
  readonly #client: Client;

  private constructor(client: Client) {
    super({ driver: driverOf(client), read: (options) => listScheduled(client, options), hear: heard });
    this.#client = client;
  }

  /** All of them, once they are there. */
  static async open(client: Client, options: CallOptions = {}): Promise<Schedule> {
    const schedule = new Schedule(client);
    try {
      await schedule.refresh(options);
      return schedule;
    } catch (error) {
      schedule.close();
      throw error;
    }
  }

  /**
   * Hands a message to the server, to be sent at that time (Unix milliseconds), once; at most 400 days ahead. What comes
   * back names it. It needs a connection: unlike a send, it doesn't wait in the outbox. Fails for what is over a bound,
   * as the server refuses a send now, with `TOO_MANY_SCHEDULED` above 100, and with `INVALID_FIELD` for a time that has
   * gone by.
   */
  async send(
    room: RoomId,
    message: Sendable,
    sendAtMs: number,
    options: CallOptions = {},
  ): Promise<ClientRef> {
    const id = uuidV7(Date.now(), randomBytes(10));
    const send = sendOf(room, postPayload(message));
    await this.#client.call(ScheduleSend, { id: fieldOf(id), sendAtMs, send }, options);
    return id;
  }

  /** Gives one another time, and other words where they are said. One that failed waits again. Fails with `SCHEDULED_NOT_FOUND`. */
  async update(
    { id, room }: Pick<Scheduled, "id" | "room">,
    change: { sendAtMs?: number; message?: Sendable },
    options: CallOptions = {},
  ): Promise<void> {
    const { sendAtMs = 0, message } = change;
    const send = message === undefined ? undefined : sendOf(room, postPayload(message));
    await this.#client.call(UpdateScheduled, { id: fieldOf(id), sendAtMs, send }, options);
  }

  /**
   * Takes one back. Where that succeeds it is never sent. Fails with `SCHEDULED_NOT_FOUND` for one that is sent or on its
   * way.
   */
  async cancel(id: ClientRef, options: CallOptions = {}): Promise<void> {
    await this.#client.call(CancelScheduled, { id: fieldOf(id) }, options);
  }
}

async function listScheduled(client: Client, options: CallOptions): Promise<Scheduled[]> {
  const scheduled: Scheduled[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(ListScheduled, { page }, options);
    scheduled.push(...answer.scheduled.flatMap((one) => scheduledOf(one) ?? []));
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return scheduled;
}

function heard(signal: Signal) {
  const isAbout = signal.type === "own" && signal.body.case === "scheduledChanged";
  return isAbout || signal.type === "learned" ? "read" : undefined;
}

function scheduledOf({ id: field, sendAtMs, send, state, error }: WireScheduled): Scheduled | undefined {
  const [id, room] = [idOf<ClientRef>(field), idOf(send?.room)];
  if (id === undefined || room === undefined || send === undefined) return undefined;
  const refusal = error && ParlourError.refused(error);
  return {
    id,
    room,
    sendAtMs,
    draft: draftOfRequest(send),
    state: STATES[state] ?? "waiting",
    error: refusal,
  };
}

function draftOfRequest(send: SendRequest): Draft {
  const { text, attachments, poll, components, mentionGroups } = decode(MessagePosted, send.body);
  return {
    text,
    attachments: attachmentsOf(attachments),
    mentions: idsOf<UserId>(send.mentions),
    mentionsEveryone: send.mentionEveryone,
    mentionGroups: idsOf<RoomId>(mentionGroups),
    replyTo: send.replyToSeq || undefined,
    threadRoot: send.threadRootSeq || undefined,
    ...(poll && { poll: pollOf(poll) }),
    ...(components && { components }),
  };
}

function pollOf(poll: NonNullable<MessagePosted["poll"]>): NewPoll {
  const { question, options, maxChoices, anonymous, closesAtMs } = poll;
  return { question, options, maxChoices, isAnonymous: anonymous, closesAtMs };
}
