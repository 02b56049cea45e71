/** The list of rooms: observable, the one with the newest event first, with unread counts and who is typing. */

import { RoomKind } from "../generated/room/v1/room.js";
import type { RoomSettings } from "../generated/settings/v1/settings.js";
import type { RoomId, UserId } from "../ids.js";
import { TYPING_FOR_MS, TYPISTS_MAX } from "../limits.js";
import { NEVER, type Now } from "../time.js";
import { type Diff, search } from "./diff.js";
import { isDescribed, type RoomRecord, restoreRoom, unknownRoom } from "./record.js";

/** A room on one line. */
export interface RoomSummary {
  readonly id: RoomId;
  /** What it is a room of: a `RoomKind`. */
  readonly kind: number;
  readonly isDirect: boolean;
  /** Empty for direct rooms. */
  readonly name: string;
  /** Of a direct room: the other user. */
  readonly peer: UserId | undefined;
  /** Who made it, or whom it was handed over to: they may do everything in it. */
  readonly creator: UserId | undefined;
  readonly memberCount: number;
  /** What it is for. */
  readonly topic: string;
  /** Whether nothing new can be written. */
  readonly isArchived: boolean;
  /** Of a node's room: the node above. */
  readonly parent: RoomId | undefined;
  /** Everyone in the organization may join. */
  readonly isOpen: boolean;
  /** Seconds between two messages of one member; 0 for none. */
  readonly slowModeS: number;
  /** Seconds after which messages are deleted by themselves; 0 for never. */
  readonly messageExpiryS: number;
  /** SHA-256 of its picture, in hexadecimal digits. */
  readonly avatar: string | undefined;
  /** The newest known event, and when that was, Unix milliseconds. */
  readonly lastSeq: number;
  readonly lastAtMs: number;
  /** Unread messages. */
  readonly unread: number;
  /** Of those, the ones that mention the user or everyone. */
  readonly mentions: number;
  /** Unread replies in threads of it that the user follows; not part of `unread`. */
  readonly threadUnread: number;
  /** Of those, the ones that mention the user. */
  readonly threadMentions: number;
  /** What the user wants of it; absent for what every room begins with. */
  readonly settings: RoomSettings | undefined;
  /** Everything up to here is read. */
  readonly readSeq: number;
  /** Who is typing. */
  readonly typing: readonly UserId[];
}

/** All rooms of the user. */
export class RoomList {
  readonly #records = new Map<RoomId, RoomRecord>();
  readonly #typing = new Map<RoomId, Map<UserId, number>>();
  readonly #summaries = new Map<RoomId, RoomSummary>();
  #shown: RoomSummary[] = [];
  #diffs: Diff<RoomSummary>[] = [];

  /** The rooms as they were saved. */
  static restore(saved: readonly RoomRecord[]): RoomList {
    const list = new RoomList();
    for (const record of saved) list.#records.set(record.id, restoreRoom(record));
    list.#rebuild();
    return list;
  }

  /** All of them that are described, newest first. */
  get items(): readonly RoomSummary[] {
    return this.#shown;
  }

  /** The changes since the last call. */
  takeDiffs(): Diff<RoomSummary>[] {
    const diffs = this.#diffs;
    this.#diffs = [];
    return diffs;
  }

  /** A room on one line. */
  summary(room: RoomId): RoomSummary | undefined {
    return this.#summaries.get(room);
  }

  /** What is known of a room. */
  get(room: RoomId): RoomRecord | undefined {
    return this.#records.get(room);
  }

  /** Every room, those included that aren't shown yet. */
  all(): RoomRecord[] {
    return [...this.#records.values()];
  }

  /** How many rooms there are, those included that aren't shown yet. */
  get size(): number {
    return this.#records.size;
  }

  /** A room to be changed, which is made if it isn't there. Call `touch` afterwards. */
  entry(room: RoomId): RoomRecord {
    const known = this.#records.get(room);
    if (known) return known;
    const record = unknownRoom(room);
    this.#records.set(room, record);
    return record;
  }

  /** Shows a room as it is now. */
  touch(room: RoomId): void {
    const record = this.#records.get(room);
    if (record === undefined || !isDescribed(record)) return;
    const item = this.#summarize(record);
    const old = this.#summaries.get(room);
    if (old && isSame(old, item)) return;
    this.#summaries.set(room, item);
    if (old && compare(old, item) === 0) {
      const index = this.#find(old);
      this.#shown[index] = item;
      this.#diffs.push({ type: "update", index, item });
      return;
    }
    if (old) this.#hide(old);
    const index = -1 - this.#find(item);
    this.#shown.splice(index, 0, item);
    this.#diffs.push({ type: "insert", index, item });
  }

  /** The user is no longer in the room. */
  remove(room: RoomId): RoomRecord | undefined {
    this.#typing.delete(room);
    const old = this.#summaries.get(room);
    if (old) this.#hide(old);
    this.#summaries.delete(room);
    const record = this.#records.get(room);
    this.#records.delete(room);
    return record;
  }

  /** Forgets all rooms. */
  clear(): void {
    this.#records.clear();
    this.#typing.clear();
    this.#rebuild();
  }

  // Typing.

  /** Somebody is typing, or has stopped. */
  handleTyping(room: RoomId, user: UserId, isActive: boolean, now: Now): void {
    if (!this.#records.has(room)) return;
    const typists = this.#typing.get(room) ?? new Map<UserId, number>();
    if (!isActive) typists.delete(user);
    else if (typists.size < TYPISTS_MAX || typists.has(user))
      typists.set(user, now.elapsedMs + TYPING_FOR_MS);
    this.#setTyping(room, typists);
  }

  /** When `handleTimeout` is due. */
  get timeoutMs(): number {
    return Math.min(NEVER, ...[...this.#typing.values()].flatMap((typists) => [...typists.values()]));
  }

  /** Forgets who stopped typing without saying so. */
  handleTimeout(now: Now): void {
    for (const [room, typists] of this.#typing) {
      const left = [...typists].filter(([, untilMs]) => untilMs > now.elapsedMs);
      if (left.length < typists.size) this.#setTyping(room, new Map(left));
    }
  }

  #setTyping(room: RoomId, typists: Map<UserId, number>): void {
    if (typists.size > 0) this.#typing.set(room, typists);
    else this.#typing.delete(room);
    this.touch(room);
  }

  #rebuild(): void {
    this.#shown = this.all()
      .filter(isDescribed)
      .map((record) => this.#summarize(record));
    this.#shown.sort(compare);
    this.#summaries.clear();
    for (const item of this.#shown) this.#summaries.set(item.id, item);
    this.#diffs = [{ type: "reset", items: [...this.#shown] }];
  }

  #hide(item: RoomSummary): void {
    const index = this.#find(item);
    if (index < 0) return;
    this.#shown.splice(index, 1);
    this.#diffs.push({ type: "remove", index });
  }

  #find(item: RoomSummary): number {
    return search(this.#shown.length, (at) => compare(this.#shown[at] ?? item, item));
  }

  #summarize(record: RoomRecord): RoomSummary {
    const { id, kind, name, peer, creator, memberCount, topic, isArchived, parent, isOpen } = record;
    const { slowModeS, messageExpiryS, avatar, counts, threads, settings } = record;
    return {
      id,
      kind,
      isDirect: kind === RoomKind.DIRECT,
      name,
      peer,
      creator,
      memberCount,
      topic,
      isArchived,
      parent,
      isOpen,
      slowModeS,
      messageExpiryS,
      avatar,
      lastSeq: record.head.seq,
      lastAtMs: record.head.atMs,
      unread: counts.messages,
      mentions: counts.mentions,
      threadUnread: threads.reduce((sum, thread) => sum + thread.counts.messages, 0),
      threadMentions: threads.reduce((sum, thread) => sum + thread.counts.mentions, 0),
      settings,
      readSeq: Math.max(counts.readSeq, record.unsentRead),
      typing: [...(this.#typing.get(id)?.keys() ?? [])],
    };
  }
}

/** The newest first. */
function compare(a: RoomSummary, b: RoomSummary): number {
  return b.lastAtMs - a.lastAtMs || (a.id < b.id ? -1 : Number(a.id > b.id));
}

function isSame(a: RoomSummary, b: RoomSummary): boolean {
  const names = Object.keys(a) as (keyof RoomSummary)[];
  return names.every((name) =>
    name === "typing" ? a.typing.join() === b.typing.join() : a[name] === b[name],
  );
}
