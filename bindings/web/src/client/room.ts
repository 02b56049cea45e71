/** A room: sending, history, members, markers, typing. */

import type { Payload } from "../core/payload.js";
import type { RoomSummary } from "../core/rooms.js";
import { ParlourError } from "../errors.js";
import { AddMembers, ListMembers, MarkUnread, RemoveMember, RenameRoom } from "../generated/rpc.js";
import { type ClientRef, fieldOf, type RoomId, type UserId } from "../ids.js";
import { MEMBERS_PAGE, MEMBERS_PER_CALL_MAX } from "../limits.js";
import type { CallOptions } from "./call.js";
import type { Client } from "./client.js";
import { checkText, editPayload, postPayload, type Sendable } from "./draft.js";
import type { Driver, Sent } from "./driver.js";
import { type Pin, pinsOf } from "./pins.js";
import { Thread } from "./thread.js";
import { Timeline } from "./timeline.js";
import { refOf, type User, usersOf, type Who } from "./user.js";

/** Something that is written down and will be sent. */
export interface QueuedSend {
  /** Its own id, the one its message carries in timelines. */
  readonly clientRef: ClientRef;
  /**
   * Settles when it is in the room's log; without a connection that takes until there is one. Fails where the
   * server refuses it: it stays in the outbox as failed then.
   */
  readonly sent: Promise<Sent>;
  /** Takes it out of the outbox. When it is under way it may arrive all the same. */
  discard(): void;
}

/** A room. Nothing is asked of the server to have one. */
export class Room {
  readonly #driver: Driver;
  /** @internal Made by a client. */
  constructor(
    /** The client. */
    readonly client: Client,
    driver: Driver,
    /** Its id. */
    readonly id: RoomId,
  ) {
    this.#driver = driver;
  }

  /** The room on one line: name, counts, who is typing. Absent when the user isn't in it, or it isn't known yet. */
  get summary(): RoomSummary | undefined {
    return this.#driver.engine.room(this.id);
  }

  // Sending.

  /**
   * Sends a message and waits until the server has it on its disk. It is written down first: should the page end
   * meanwhile, the next one with the same cache sends it. An aborted one is taken out of the outbox.
   */
  async send(message: Sendable, options: CallOptions = {}): Promise<Sent> {
    return this.#put(postPayload(message), options);
  }

  /** Writes a message down and returns; it is sent when its turn comes. */
  async queue(message: Sendable): Promise<QueuedSend> {
    return this.queueAfter(message, 0);
  }

  /**
   * The same, but kept back for that long, during which `discard` takes it back. What is sent meanwhile doesn't wait
   * for it. Should the page end before, the next one with the same cache sends it.
   */
  async queueAfter(message: Sendable, waitMs: number): Promise<QueuedSend> {
    return this.#queue(postPayload(message), waitMs);
  }

  /** Gives the user's own message at `seq` another text. */
  async edit(seq: number, text: string): Promise<Sent> {
    return this.#put(editPayload(seq, text));
  }

  /** Deletes the message at `seq`: the user's own, or any for the group's creator. */
  async delete(seq: number): Promise<Sent> {
    return this.#put({ type: "delete", target: seq });
  }

  /**
   * Deletes the message at `seq` in a while: for the user it is gone at once, and `discard` brings it back until
   * then. Others see it as long.
   */
  async deleteAfter(seq: number, waitMs: number): Promise<QueuedSend> {
    return this.#queue({ type: "delete", target: seq }, waitMs);
  }

  /** Puts an emoji, or `:name:`, to the message at `seq`. It shows at once. */
  async react(seq: number, emoji: string): Promise<Sent> {
    return this.#put({ type: "react", target: seq, emoji, on: true });
  }

  /** Takes the user's emoji off the message at `seq`. */
  async unreact(seq: number, emoji: string): Promise<Sent> {
    return this.#put({ type: "react", target: seq, emoji, on: false });
  }

  /** Pins the message at `seq` for everyone in the room. */
  async pin(seq: number): Promise<Sent> {
    return this.#put({ type: "pin", target: seq, on: true });
  }

  /** Takes the pin off the message at `seq`, whoever pinned it. */
  async unpin(seq: number): Promise<Sent> {
    return this.#put({ type: "pin", target: seq, on: false });
  }

  /** The pinned messages, that of the newest pin first, as the server has them. Only with a connection. */
  async pins(options: CallOptions = {}): Promise<Pin[]> {
    return pinsOf(this, this.#driver, options);
  }

  /** Chooses options of the poll of the message at `seq`, by places from 0; none takes the vote back. */
  async vote(seq: number, choices: readonly number[]): Promise<Sent> {
    return this.#put({ type: "vote", target: seq, choices: [...choices] });
  }

  /** Ends the poll of the message at `seq`. */
  async closePoll(seq: number): Promise<Sent> {
    return this.#put({ type: "close-poll", target: seq });
  }

  /** Takes the previews of the links of the message at `seq` away for everyone, for good. */
  async hideLinkPreviews(seq: number): Promise<Sent> {
    return this.#put({ type: "hide-previews", target: seq });
  }

  async #queue(payload: Payload, waitMs: number): Promise<QueuedSend> {
    const { clientRef, sent } = await this.#driver.queue(this.id, payload, waitMs);
    return { clientRef, sent, discard: () => this.discard(clientRef) };
  }

  async #put(payload: Payload, { signal }: CallOptions = {}): Promise<Sent> {
    signal?.throwIfAborted();
    const { clientRef, sent } = await this.#driver.queue(this.id, payload);
    const abort = () => this.discard(clientRef);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      return await sent;
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  // What waits in the outbox, by its own id.

  /** Gives a message that was never sent another text. Fails with `not-sent` when it may have been. */
  rewrite(clientRef: ClientRef, text: string): void {
    checkText(text, false);
    let isRewritten = false;
    this.#driver.hint((engine) => {
      isRewritten = engine.rewrite(clientRef, text);
    });
    if (!isRewritten) throw new ParlourError("not-sent");
  }

  /** Sends what failed again. */
  retry(clientRef: ClientRef): void {
    this.#driver.hint((engine) => engine.retry(clientRef, this.#driver.now()));
  }

  /** Takes something out of the outbox. When it is under way it may arrive all the same. */
  discard(clientRef: ClientRef): void {
    this.#driver.hint((engine) => engine.discard(clientRef, this.#driver.now()));
  }

  // Reading.

  /** The room's messages: what the cache has at once, everything newer and older as it comes. `close` it after use. */
  async timeline(): Promise<Timeline> {
    return Timeline.open(this, this.#driver, { room: this.id, root: 0 });
  }

  /** The thread under the message at `rootSeq`. */
  thread(rootSeq: number): Thread {
    return new Thread(this, this.#driver, rootSeq);
  }

  /**
   * Everything up to `seq`, or up to the newest known event, is read. Never moves the marker back. Kept without a
   * connection and told to the server later.
   */
  markRead(seq?: number): void {
    const upTo = seq ?? this.summary?.lastSeq ?? 0;
    this.#driver.hint((engine) => engine.markRead(this.id, upTo));
  }

  /** `seq` and everything after it is unread, even what the user wrote. */
  async markUnread(seq: number, options: CallOptions = {}): Promise<void> {
    await this.client.call(MarkUnread, { room: this.#field, seq }, options);
  }

  /** The user is typing, or has stopped. Call it at every key: what need not be sent isn't. */
  typing(active = true): void {
    this.#driver.hint((engine) => engine.typing(this.id, active, this.#driver.now()));
  }

  // Members.

  /** Everyone in the room. */
  async members(options: CallOptions = {}): Promise<User[]> {
    const members: User[] = [];
    let page = new Uint8Array(0);
    do {
      const request = { room: this.#field, page, pageSize: MEMBERS_PAGE };
      const answer = await this.client.call(ListMembers, request, options);
      members.push(...usersOf(answer.members));
      page = answer.nextPage as Uint8Array<ArrayBuffer>;
    } while (page.length > 0);
    return members;
  }

  /** Adds members to a group. Those who are in it already are left as they are. */
  async addMembers(who: readonly Who[], options: CallOptions = {}): Promise<void> {
    for (let at = 0; at < who.length; at += MEMBERS_PER_CALL_MAX) {
      const members = who.slice(at, at + MEMBERS_PER_CALL_MAX).map(refOf);
      await this.client.call(AddMembers, { room: this.#field, members }, options);
    }
  }

  /** Removes a member from a group: oneself, or anyone for the group's creator. */
  async removeMember(user: UserId, options: CallOptions = {}): Promise<void> {
    await this.client.call(RemoveMember, { room: this.#field, user: fieldOf(user) }, options);
  }

  /** Leaves a group. */
  async leave(options: CallOptions = {}): Promise<void> {
    const { me } = this.client;
    if (me === undefined) throw new ParlourError("offline");
    await this.removeMember(me, options);
  }

  /** Gives a group another name. */
  async rename(name: string, options: CallOptions = {}): Promise<void> {
    await this.client.call(RenameRoom, { room: this.#field, name }, options);
  }

  get #field(): Uint8Array {
    return fieldOf(this.id);
  }
}
