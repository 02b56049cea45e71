/** What is worth a notification (PROTOCOL.md, section 23): all clients decide it in the same way. */

import { sameBytes } from "../codec/wire.js";
import * as Kind from "../generated/kinds.js";
import { MessagePosted } from "../generated/message/v1/message.js";
import { RoomKind } from "../generated/room/v1/room.js";
import { NotificationLevel, type Settings } from "../generated/settings/v1/settings.js";
import { fieldOf, idsOf, type RoomId, type UserId } from "../ids.js";
import type { LogEvent } from "./event.js";
import type { RoomRecord } from "./record.js";

/**
 * Why a message is worth a notification; of several reasons the first of these: it mentions the user, everyone, or a
 * group that they are in; one of their keywords is in it; it stands in a thread that they follow; every message of
 * its room is.
 */
export type NotifyReason = "mention" | "everyone" | "group" | "keyword" | "thread" | "message";

/** What it depends on, besides the event and its room. */
export interface Listener {
  readonly me: UserId;
  /** What the user wants everywhere. */
  readonly settings: Settings | undefined;
  /** The end of the user's do-not-disturb, Unix milliseconds. */
  readonly quietUntilMs: number;
  /** Whether the user is in a node's room. */
  readonly isIn: (room: RoomId) => boolean;
}

/** Whether the user is notified of an event, and why. */
export function notifies(
  { me, settings, quietUntilMs, isIn }: Listener,
  room: RoomRecord,
  event: LogEvent,
  nowMs: number,
): NotifyReason | undefined {
  if (event.kind !== Kind.messagePosted || event.isErased || event.sender === me) return undefined;
  if (nowMs < Math.max(quietUntilMs, room.settings?.mutedUntilMs ?? 0)) return undefined;
  const { threadRootSeq, mentions } = event.header;
  const thread = room.threads.find(({ rootSeq }) => rootSeq === threadRootSeq);
  const roomReadSeq = Math.max(room.counts.readSeq, room.unsentRead);
  if (event.seq <= (threadRootSeq === 0 ? roomReadSeq : (thread?.counts.readSeq ?? 0))) return undefined;
  const level = levelOf(room, settings);
  if (level === NotificationLevel.NOTHING) return undefined;
  const mine = fieldOf(me);
  if (mentions.some((user) => sameBytes(user, mine))) return "mention";
  if (event.mentionsEveryone) return "everyone";
  const { mentionGroups, text } = event.bodyAs(MessagePosted);
  if (idsOf<RoomId>(mentionGroups).some(isIn)) return "group";
  if (hasKeyword(text, settings?.keywords ?? [])) return "keyword";
  if (threadRootSeq > 0) return thread && "thread";
  return level === NotificationLevel.ALL ? "message" : undefined;
}

function levelOf({ kind, settings: ofRoom }: RoomRecord, settings: Settings | undefined): number {
  const isTheirs = kind === RoomKind.DIRECT || kind === RoomKind.USER;
  const usual = isTheirs ? NotificationLevel.ALL : NotificationLevel.MENTIONS;
  return known(ofRoom?.level) ?? known(settings?.level) ?? usual;
}

/** A level of a later version is none. */
function known(level: number | undefined): number | undefined {
  return level && level <= NotificationLevel.NOTHING ? level : undefined;
}

/** A keyword counts as a whole word, without regard to case. */
function hasKeyword(message: string, keywords: readonly string[]): boolean {
  const text = message.toLowerCase();
  return keywords.some((keyword) => {
    const word = keyword.trim().toLowerCase();
    if (word === "") return false;
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
      const end = at + word.length;
      // Two units are one sign, whichever it is.
      const isWhole =
        !ENDS_IN_WORD.test(text.slice(Math.max(at - 2, 0), at)) &&
        !BEGINS_IN_WORD.test(text.slice(end, end + 2));
      if (isWhole) return true;
    }
    return false;
  });
}

const ENDS_IN_WORD = /[\p{Alphabetic}\p{N}]$/u;
const BEGINS_IN_WORD = /^[\p{Alphabetic}\p{N}]/u;
