/** What the user has begun to write (PROTOCOL.md, section 38). */

import { decode } from "../codec/message.js";
import type { Signal } from "../core/signal.js";
import { attachmentsOf } from "../core/timeline/item.js";
import { DraftChanged, type MessageDraft } from "../generated/draft/v1/draft.js";
import * as Kind from "../generated/kinds.js";
import { ListDrafts, SetDraft } from "../generated/rpc.js";
import { fieldOf, idOf, idsOf, type RoomId, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { attachmentToWire, type Draft, draftOf, type Sendable } from "./draft.js";
import { Listed, withOne } from "./listed.js";

/** Something begun. */
export interface Begun {
  /** Where. */
  readonly room: RoomId;
  /** What, and in which thread. Nothing mentions everyone before it is sent. */
  readonly draft: Draft;
  /** Since when, Unix milliseconds. */
  readonly atMs: number;
}

/**
 * What the user has begun to write, on all their devices: one for each room and thread. Nobody else hears of it.
 * `close` it after use.
 */
export class Drafts extends Listed<Begun> {
  readonly #client: Client;

  private constructor(client: Client) {
    const driver = driverOf(client);
    super({
      driver,
      read: (options) => listDrafts(client, options),
      hear: (signal, items) => heard(signal, items, client.me),
    });
    this.#client = client;
  }

  /** All of them, once they are there. */
  static async open(client: Client, options: CallOptions = {}): Promise<Drafts> {
    const drafts = new Drafts(client);
    try {
      await drafts.refresh(options);
      return drafts;
    } catch (error) {
      drafts.close();
      throw error;
    }
  }

  /** What is begun in a room, or in a thread there. */
  of(room: RoomId, threadRoot = 0): Begun | undefined {
    return this.items.find((begun) => keyOf(begun) === `${room} ${threadRoot}`);
  }

  /**
   * Keeps what is begun in a room, or in the draft's thread there, in the place of what was. One without text and
   * attachments is gone. Call it when the user pauses, not with every key. Fails with `INVALID_FIELD` and
   * `BODY_TOO_LARGE` for what is over a bound, and with `TOO_MANY_DRAFTS` above 200.
   */
  async set(room: RoomId, message: Sendable, options: CallOptions = {}): Promise<void> {
    const draft = draftOf(message);
    const before = this.items;
    this.put(changed(before, { room, draft, atMs: Date.now() }));
    try {
      await this.#client.call(SetDraft, { draft: wireOf(room, draft) }, options);
    } catch (error) {
      void this.refresh().catch(() => undefined);
      throw error;
    }
  }
}

async function listDrafts(client: Client, options: CallOptions): Promise<Begun[]> {
  const begun: Begun[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(ListDrafts, { page }, options);
    begun.push(...answer.drafts.flatMap((draft) => begunOf(draft) ?? []));
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return begun;
}

function heard(signal: Signal, items: readonly Begun[], me: UserId | undefined) {
  if (signal.type === "missed") return "read";
  if (signal.type !== "ephemeral" || signal.kind !== Kind.draftChanged || signal.sender !== me)
    return undefined;
  try {
    const { draft } = decode(DraftChanged, signal.body);
    const begun = draft && begunOf(draft);
    return begun && changed(items, begun);
  } catch {
    // One that can't be read is none.
    return undefined;
  }
}

function changed(items: readonly Begun[], begun: Begun): Begun[] {
  const { text = "", attachments = [] } = begun.draft;
  const isGone = text === "" && attachments.length === 0;
  return withOne(items, keyOf, keyOf(begun), isGone ? undefined : begun);
}

function keyOf({ room, draft }: Begun): string {
  return `${room} ${draft.threadRoot ?? 0}`;
}

function begunOf(wire: MessageDraft): Begun | undefined {
  const room = idOf(wire.room);
  const { text, attachments, mentions, replyToSeq, threadRootSeq, atMs } = wire;
  const draft: Draft = {
    text,
    attachments: attachmentsOf(attachments),
    mentions: idsOf<UserId>(mentions),
    replyTo: replyToSeq || undefined,
    threadRoot: threadRootSeq || undefined,
  };
  return room && { room, draft, atMs };
}

function wireOf(room: RoomId, draft: Draft) {
  const { text = "", attachments = [], mentions = [], replyTo = 0, threadRoot = 0 } = draft;
  return {
    room: fieldOf(room),
    threadRootSeq: threadRoot,
    text,
    replyToSeq: replyTo,
    mentions: mentions.map(fieldOf),
    attachments: attachments.map(attachmentToWire),
  };
}
