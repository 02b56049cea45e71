/** What is news, by the counts of rooms (PROTOCOL.md, section 23). Pure. */

import type { RoomSummary } from "@parlour/client";
import { NotificationLevel } from "@parlour/client/proto";

/** Whether something came to a room that its user is to be told of. */
export function isNews(before: RoomSummary | undefined, room: RoomSummary, nowMs: number): boolean {
  if (!before || (room.settings?.mutedUntilMs ?? 0) > nowMs) return false;
  const level = levelOf(room);
  if (level === NotificationLevel.NOTHING) return false;
  const mentions = room.mentions + room.threadMentions - before.mentions - before.threadMentions;
  return mentions > 0 || (level === NotificationLevel.ALL && room.unread > before.unread);
}

function levelOf(room: RoomSummary): number {
  const level = room.settings?.level ?? NotificationLevel.UNSPECIFIED;
  if (level !== NotificationLevel.UNSPECIFIED) return level;
  return room.isDirect ? NotificationLevel.ALL : NotificationLevel.MENTIONS;
}

/** How many messages mean the user: mentions, and all of direct rooms. */
export function loudCount(rooms: readonly RoomSummary[], nowMs: number): number {
  const loud = rooms.filter((room) => (room.settings?.mutedUntilMs ?? 0) <= nowMs);
  return loud.reduce(
    (sum, room) => sum + (room.isDirect ? room.unread : room.mentions) + room.threadMentions,
    0,
  );
}
