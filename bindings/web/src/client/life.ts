/** The life of groups: topic, archive, slow mode, who may come in and who may not (PROTOCOL.md, section 26). */

import type { Attachment } from "../core/timeline/item.js";
import * as rpc from "../generated/rpc.js";
import { bytesOf, fieldOf, idOf, idsOf, type UserId } from "../ids.js";
import { OPEN_ROOMS_PAGE } from "../limits.js";
import type { CallOptions } from "./call.js";
import type { Client } from "./client.js";
import type { Room } from "./room.js";

/** A group that everyone in the organization may join. */
export interface OpenRoom {
  readonly room: Room;
  readonly name: string;
  /** What it is for. */
  readonly topic: string;
  readonly memberCount: number;
  /** The user is in it. */
  readonly isJoined: boolean;
}

/** The open groups of the organization, by name. Needs a connection; fails with `NOT_ALLOWED` for guests. */
export async function openRooms(client: Client, options: CallOptions = {}): Promise<OpenRoom[]> {
  const rooms: OpenRoom[] = [];
  let page = new Uint8Array(0);
  do {
    const answer = await client.call(rpc.ListOpenRooms, { page, pageSize: OPEN_ROOMS_PAGE }, options);
    for (const { room, joined } of answer.rooms) {
      const id = idOf(room?.id);
      if (!room || !id) continue;
      const { name, topic, memberCount } = room;
      rooms.push({ room: client.room(id), name, topic, memberCount, isJoined: joined });
    }
    page = answer.nextPage as Uint8Array<ArrayBuffer>;
  } while (page.length > 0);
  return rooms.sort((a, b) => a.name.localeCompare(b.name));
}

/** Joins an open group. Fails with `ROOM_NOT_FOUND` for one that isn't open, and with `NOT_ALLOWED`. */
export async function join(room: Room, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.JoinRoom, { room: fieldOf(room.id) }, options);
}

/** Opens a group for everyone in the organization to join, or closes it again. */
export async function setOpen(room: Room, open: boolean, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.SetOpen, { room: fieldOf(room.id), open }, options);
}

/** Says what a group is for; at most 1,024 bytes. */
export async function setTopic(room: Room, topic: string, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.SetTopic, { room: fieldOf(room.id), topic }, options);
}

/** Archives a group, or takes it back: nothing new can be written while it is archived. */
export async function setArchived(room: Room, archived: boolean, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.ArchiveRoom, { room: fieldOf(room.id), archived }, options);
}

/**
 * Makes members wait so many seconds between two messages of theirs, at most 21,600; 0 for none. What is sent too
 * soon waits in the outbox.
 */
export async function setSlowMode(room: Room, seconds: number, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.SetSlowMode, { room: fieldOf(room.id), seconds }, options);
}

/**
 * Messages that are sent from now on are deleted by themselves after so many seconds, 5 to 31,536,000; 0 for never.
 */
export async function setMessageExpiry(
  room: Room,
  seconds: number,
  options: CallOptions = {},
): Promise<void> {
  await room.client.call(rpc.SetMessageExpiry, { room: fieldOf(room.id), seconds }, options);
}

/** Removes a user from a group until they are unbanned. */
export async function ban(room: Room, user: UserId, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.Ban, { room: fieldOf(room.id), user: fieldOf(user) }, options);
}

/** Ends a ban. */
export async function unban(room: Room, user: UserId, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.Unban, { room: fieldOf(room.id), user: fieldOf(user) }, options);
}

/** Who is banned from a group; for those who may ban. */
export async function bans(room: Room, options: CallOptions = {}): Promise<UserId[]> {
  const { users } = await room.client.call(rpc.ListBans, { room: fieldOf(room.id) }, options);
  return idsOf<UserId>(users);
}

/** Makes another member the creator of a group, who may do everything in it. Only the creator may. */
export async function handOver(room: Room, to: UserId, options: CallOptions = {}): Promise<void> {
  await room.client.call(rpc.HandOverRoom, { room: fieldOf(room.id), to: fieldOf(to) }, options);
}

/**
 * Gives a group, or a room of the directory, a picture that the user has uploaded within seven days, or takes it away.
 * Fails with `INVALID_FIELD` for what isn't a PNG, GIF, JPEG or WebP of at most 5 MiB, with `NOT_ALLOWED`,
 * `BLOB_NOT_FOUND`, `DIRECT_ROOM`.
 */
export async function setAvatar(
  room: Room,
  picture: Attachment | undefined,
  options: CallOptions = {},
): Promise<void> {
  const avatar = picture ? bytesOf(picture.hash) : new Uint8Array(0);
  await room.client.call(rpc.SetRoomAvatar, { room: fieldOf(room.id), avatar }, options);
}
