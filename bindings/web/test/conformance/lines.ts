/** What the driver tells of rooms and timelines, as the kit wants it. */

import type { ParlourError, RoomSummary, TimelineItem } from "../../src/index.js";

const MESSAGE = 10;

/** A file, as `upload` answers it and timelines show it. */
export interface FileLine {
  hash: string;
  size: number;
  name: string;
  media_type: string;
}

/** A room on one line. */
export function roomLine(room: RoomSummary) {
  const { id, name, unread, mentions, threadUnread, lastSeq, typing } = room;
  return { room: id, name, unread, mentions, thread_unread: threadUnread, last_seq: lastSeq, typing };
}

/** A line of a timeline. */
export function itemLine(item: TimelineItem): object {
  const { place, sender } = item;
  const seq = place.in === "log" ? place.number : undefined;
  if (item.type === "notice") return { kind: item.kind, seq, sender };
  const { text, isEdited, isDeleted, isPinned, reactions, delivery, replyTo, threadRoot, thread } = item;
  return {
    kind: MESSAGE,
    ...{ seq, sender, text, reactions, ref: item.clientRef, mentions: item.mentions },
    ...{ edited: isEdited, deleted: isDeleted, pinned: isPinned },
    ...{ reply_to: replyTo, root: threadRoot, replies: thread?.replies },
    delivery: delivery.state,
    error: delivery.state === "failed" ? refusalLine(delivery.error) : undefined,
    files: item.attachments.map(fileLine),
  };
}

function refusalLine(error: ParlourError) {
  const { kind, reason, class: of, retry } = error;
  return { kind, reason, class: of, retry };
}

function fileLine(file: { hash: string; size: number; name: string; mediaType: string }): FileLine {
  const { hash, size, name, mediaType } = file;
  return { hash, size, name, media_type: mediaType };
}
