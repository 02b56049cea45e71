/** Who is in a room, some of them at a time. */

import { ListMembers } from "../generated/rpc.js";
import { fieldOf } from "../ids.js";
import type { CallOptions } from "./call.js";
import type { PeoplePage } from "./people.js";
import type { Room } from "./room.js";
import { usersOf } from "./user.js";

/** How much a page has. */
export interface PageOptions extends CallOptions {
  /** 1 to 500; 100 where it isn't said. */
  readonly pageSize?: number;
}

/**
 * The first of those who are in a room, in an order that is the same each time and means nothing: for rooms whose
 * members are too many for `Room.members`. Needs a connection. Fails with `ROOM_NOT_FOUND` when the user isn't in it.
 */
export async function membersPage(room: Room, options: PageOptions = {}): Promise<PeoplePage> {
  const { pageSize = 0, ...rest } = options;
  return pageOf(room, pageSize, new Uint8Array(0), rest);
}

async function pageOf(
  room: Room,
  pageSize: number,
  page: Uint8Array,
  options: CallOptions,
): Promise<PeoplePage> {
  const answer = await room.client.call(ListMembers, { room: fieldOf(room.id), page, pageSize }, options);
  const next = (more: CallOptions = {}) => pageOf(room, pageSize, answer.nextPage, more);
  return { users: usersOf(answer.members), next: answer.nextPage.length > 0 ? next : undefined };
}
