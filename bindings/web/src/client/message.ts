/** A message of a timeline, with what can be done about it. */

import type { Item, Delivery as ItemDelivery, MessageItem, NoticeItem } from "../core/timeline/item.js";
import { ParlourError } from "../errors.js";
import { ClaimAttachment } from "../generated/rpc.js";
import { bytesOf, type ClientRef, fieldOf } from "../ids.js";
import type { CallOptions } from "./call.js";
import { draftOf, type Sendable } from "./draft.js";
import type { Sent } from "./driver.js";
import type { QueuedSend, Room } from "./room.js";
import type { Thread } from "./thread.js";

/** A line of a timeline: a message, or something that happened. */
export type TimelineItem = Message | NoticeItem;

/** How far something of the user's own got. */
export type Delivery =
  | Exclude<ItemDelivery, { state: "failed" }>
  /** The server refused it; it waits to be retried or discarded. */
  | { readonly state: "failed"; readonly error: ParlourError };

/** All that the item says. */
export interface Message extends Omit<MessageItem, "delivery"> {
  /** How far the message, or the pending change of it, got. */
  readonly delivery: Delivery;
}

/** A message as it was when its timeline showed it; a later state comes as another `Message`. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor takes over all fields of the item
export class Message {
  readonly #room: Room;

  /** @internal Made by a timeline. */
  constructor(item: MessageItem, room: Room) {
    this.#room = room;
    const { delivery } = item;
    const failed = delivery.state === "failed" && {
      ...delivery,
      error: ParlourError.refused(delivery.error),
    };
    Object.assign(this, item, { delivery: failed || delivery });
  }

  /** Its number in the log, once it has one. */
  get seq(): number | undefined {
    return this.place.in === "log" ? this.place.number : undefined;
  }

  /** The same for as long as the message lives, also when it goes from the outbox into the log: a key for lists. */
  get key(): string {
    return this.clientRef ?? `${this.place.in}-${this.place.number}`;
  }

  /** Whether the user wrote it. */
  get isOwn(): boolean {
    return this.sender === undefined || this.sender === this.#room.client.me;
  }

  /** Gives the user's own message another text. One that was never sent is changed in the outbox. */
  async edit(text: string): Promise<Sent | undefined> {
    if (this.seq !== undefined) return this.#room.edit(this.seq, text);
    if (this.clientRef === undefined) throw new ParlourError("not-sent");
    this.#room.rewrite(this.clientRef, text);
    return undefined;
  }

  /** Deletes the message. One that waits in the outbox is taken out of it. */
  async delete(): Promise<void> {
    if (this.seq !== undefined) await this.#room.delete(this.seq);
    else this.discard();
  }

  /**
   * Deletes it in a while, as `Room.deleteAfter`. One that waits in the outbox is taken out of it, for good:
   * `undefined`.
   */
  async deleteAfter(waitMs: number): Promise<QueuedSend | undefined> {
    if (this.seq !== undefined) return this.#room.deleteAfter(this.seq, waitMs);
    this.discard();
    return undefined;
  }

  /** Replies to it, in its thread if it stands in one. */
  async reply(message: Sendable, options: CallOptions = {}): Promise<Sent> {
    const draft = { ...draftOf(message), threadRoot: this.threadRoot, replyTo: this.#sent() };
    return this.#room.send(draft, options);
  }

  /** The thread it stands in, or the one under it. */
  openThread(): Thread {
    return this.#room.thread(this.threadRoot ?? this.#sent());
  }

  /** Puts an emoji, or `:name:`, to it. */
  async react(emoji: string): Promise<Sent> {
    return this.#room.react(this.#sent(), emoji);
  }

  /** Takes the user's emoji off it. */
  async unreact(emoji: string): Promise<Sent> {
    return this.#room.unreact(this.#sent(), emoji);
  }

  /** Pins it for everyone in the room. */
  async pin(): Promise<Sent> {
    return this.#room.pin(this.#sent());
  }

  /** Takes its pin off, whoever pinned it. */
  async unpin(): Promise<Sent> {
    return this.#room.unpin(this.#sent());
  }

  /**
   * Sends what it says and carries to another room, under the user's own name. Needs a connection where it has
   * attachments. A poll is asked anew there: without its votes, and without an end.
   */
  async forward(to: Room, options: CallOptions = {}): Promise<Sent> {
    const [room, seq] = [fieldOf(this.room), this.#sent()];
    for (const { hash } of this.attachments) {
      await this.#room.client.call(ClaimAttachment, { room, seq, hash: bytesOf(hash) }, options);
    }
    const { text, attachments, poll } = this;
    const { question = "", options: choices = [], maxChoices = 1, anonymous = false } = poll?.asked ?? {};
    const anew = { question, options: choices, maxChoices, isAnonymous: anonymous };
    return to.send(poll ? { text, attachments, poll: anew } : { text, attachments }, options);
  }

  /** Chooses options of its poll, by places from 0, in the place of what was chosen; none takes the vote back. */
  async vote(choices: readonly number[]): Promise<Sent> {
    return this.#room.vote(this.#sent(), choices);
  }

  /** Ends its poll. */
  async closePoll(): Promise<Sent> {
    return this.#room.closePoll(this.#sent());
  }

  /** Takes its links' previews away for everyone, for good. */
  async hideLinkPreviews(): Promise<Sent> {
    return this.#room.hideLinkPreviews(this.#sent());
  }

  /** Everything up to it is read. */
  markRead(): void {
    this.#room.markRead(this.#sent());
  }

  /** Sends it, or a pending change of it, again after it failed. */
  retry(): void {
    const clientRef = this.#unsent();
    if (clientRef) this.#room.retry(clientRef);
  }

  /** Takes it, or a pending change of it, out of the outbox. */
  discard(): void {
    const clientRef = this.#unsent();
    if (clientRef) this.#room.discard(clientRef);
  }

  /** Its number; fails with `not-sent` for one that isn't in the log yet. */
  #sent(): number {
    if (this.seq === undefined) throw new ParlourError("not-sent");
    return this.seq;
  }

  #unsent(): ClientRef | undefined {
    return this.pending ?? (this.seq === undefined ? this.clientRef : undefined);
  }
}

const made = new WeakMap<MessageItem, Message>();

/** The line for an item: the same one each time, so that lists can be compared. */
export function lineOf(item: Item, room: Room): TimelineItem {
  if (item.type === "notice") return item;
  const known = made.get(item) ?? new Message(item, room);
  made.set(item, known);
  return known;
}
