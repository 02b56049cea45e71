/** What a timeline shows. */

import type { Attachment as WireAttachment } from "../../generated/blob/v1/blob.js";
import type { RoomEventBody } from "../../generated/events.js";
import type { Components } from "../../generated/interaction/v1/components.js";
import type { LinkPreview } from "../../generated/preview/v1/preview.js";
import type { Error as WireError } from "../../generated/wire/v1/error.js";
import type { ClientRef, RoomId, UserId } from "../../ids.js";
import type { Poll } from "../polls.js";
import { hashOf } from "../record.js";

/** Where an item stands: everything in the log in its order, then the outbox in its order. */
export interface Place {
  readonly in: "log" | "outbox";
  /** Its number in the room's log, or in the outbox. */
  readonly number: number;
}

/** How far something of the user's own got. */
export type Delivery =
  /** The server has it. */
  | { readonly state: "sent" }
  /** It waits for a connection or its turn. */
  | { readonly state: "queued" }
  /** It is under way. */
  | { readonly state: "sending" }
  /** The server refused it; it waits to be retried or discarded. */
  | { readonly state: "failed"; readonly error: WireError };

/** The server has it. */
export const SENT: Delivery = { state: "sent" };

/** A file of a message. */
export interface Attachment {
  /** The SHA-256 of its bytes, in hexadecimal digits. */
  readonly hash: string;
  readonly size: number;
  /** What it is called, without a path; empty for what has no name. */
  readonly name: string;
  /** Such as `image/png`. */
  readonly mediaType: string;
  /** In pixels; 0 where there is nothing to see, or nobody knows. */
  readonly width: number;
  readonly height: number;
  /** Of sound and video; 0 where nobody knows. */
  readonly durationMs: number;
  /** How loud it is from begin to end, each of 255. */
  readonly waveform: Uint8Array;
  /** There is a smaller picture of it. */
  readonly hasPreview: boolean;
  /** What it shows, for those who can't see it. */
  readonly description: string;
  /** It was spoken into the message. */
  readonly isVoice: boolean;
}

/** Attachments as a message's body has them; those without bytes are none. */
export function attachmentsOf(wire: readonly WireAttachment[]): Attachment[] {
  return wire.flatMap(({ blob, name, description, isVoice }) => {
    const hash = blob && hashOf(blob.hash);
    if (hash === undefined) return [];
    const { size, mediaType, width, height, durationMs, waveform, hasPreview } = blob as NonNullable<
      typeof blob
    >;
    return [
      { hash, size, name, mediaType, width, height, durationMs, waveform, hasPreview, description, isVoice },
    ];
  });
}

/** An emoji that people put to a message. */
export interface Reaction {
  /** The emoji, or `:name:`. */
  readonly emoji: string;
  /** Who put it there; never nobody. */
  readonly users: readonly UserId[];
}

/** The thread under a message. */
export interface ThreadSummary {
  /** Replies that aren't deleted. */
  readonly replies: number;
  /** The last reply, by its number in the log, and when that was, Unix milliseconds. */
  readonly lastSeq: number;
  readonly lastAtMs: number;
}

/** A message as it is now, also a deleted one or one that isn't sent yet. */
export interface MessageItem {
  readonly type: "message";
  readonly room: RoomId;
  readonly place: Place;
  /** Who wrote it; absent for an own one before the first connection ever. */
  readonly sender: UserId | undefined;
  /** When the server took it, or when it was written if that hasn't happened; Unix milliseconds. */
  readonly atMs: number;
  /** When it is deleted by itself, Unix milliseconds. */
  readonly expiresAtMs: number | undefined;
  /** The text of the newest edit; empty when it is deleted. */
  readonly text: string;
  /** What it carries; empty when it is deleted. */
  readonly attachments: readonly Attachment[];
  /** What it asks; absent when it is deleted. */
  readonly poll: Poll | undefined;
  /** What it offers to press and to choose; absent when it is deleted. */
  readonly components: Components | undefined;
  /** Whether the text is another than at first. */
  readonly isEdited: boolean;
  readonly isDeleted: boolean;
  /** Users mentioned. */
  readonly mentions: readonly UserId[];
  /** Whether everyone is. */
  readonly mentionsEveryone: boolean;
  /** Groups whose people are, by the rooms of their nodes. */
  readonly mentionGroups: readonly RoomId[];
  /** The message it replies to, by its number in the log. */
  readonly replyTo: number | undefined;
  /** The message whose thread it belongs to. */
  readonly threadRoot: number | undefined;
  /** What stands under it, where anything does. */
  readonly thread: ThreadSummary | undefined;
  /** What people put to it, in the order of the emoji; the user's own that isn't sent yet included. */
  readonly reactions: readonly Reaction[];
  /** What the pages say of themselves that its links lead to. It isn't to be believed, and is plain text. */
  readonly linkPreviews: readonly LinkPreview[];
  readonly isPinned: boolean;
  /** The sender's own id for it. */
  readonly clientRef: ClientRef | undefined;
  /** An own edit or delete of it that the server doesn't have yet. */
  readonly pending: ClientRef | undefined;
  /** How far the message, or the pending change of it, got. */
  readonly delivery: Delivery;
}

/** Something that happened in the room, or a kind of event this version doesn't know. */
export interface NoticeItem {
  readonly type: "notice";
  readonly place: Place;
  /** When it happened, Unix milliseconds. */
  readonly atMs: number;
  /** Who caused it. */
  readonly sender: UserId | undefined;
  /** The event's kind. */
  readonly kind: number;
  /** What it says. */
  readonly body: RoomEventBody;
}

/** One line of a timeline. */
export type Item = MessageItem | NoticeItem;

/** The order of places. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.in !== b.in) return a.in === "log" ? -1 : 1;
  return a.number - b.number;
}
