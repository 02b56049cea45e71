/** For tests of applications: messages without a server. */

import { Message } from "./client/message.js";
import type { Room } from "./client/room.js";
import { type MessageItem, SENT } from "./core/timeline/item.js";
import { type RoomId, roomId } from "./ids.js";

const NOWHERE = roomId("00000000-0000-4000-8000-000000000000") as RoomId;

/**
 * A message that says this, as a timeline has it: sent, at the first place of the log, with nothing else unless it is
 * said. What can be done about it needs a room.
 */
export function testMessage(fields: Partial<MessageItem> = {}, room?: Room): Message {
  const item: MessageItem = {
    type: "message",
    room: room?.id ?? NOWHERE,
    place: { in: "log", number: 1 },
    sender: undefined,
    atMs: 0,
    expiresAtMs: undefined,
    text: "",
    attachments: [],
    poll: undefined,
    components: undefined,
    isEdited: false,
    isDeleted: false,
    mentions: [],
    mentionsEveryone: false,
    mentionGroups: [],
    replyTo: undefined,
    threadRoot: undefined,
    thread: undefined,
    reactions: [],
    linkPreviews: [],
    isPinned: false,
    clientRef: undefined,
    pending: undefined,
    delivery: SENT,
    ...fields,
  };
  return new Message(item, room ?? ({ client: {} } as Room));
}
