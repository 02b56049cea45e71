/** Private rooms: the user's own, and notices into others' (PROTOCOL.md, section 41). */

import { encode } from "../codec/message.js";
import { ParlourError } from "../errors.js";
import { MessagePosted } from "../generated/message/v1/message.js";
import { OpenPrivateRoom, PostNotice } from "../generated/rpc.js";
import { type ClientRef, fieldOf, idOf, uuidV7 } from "../ids.js";
import type { CallOptions } from "./call.js";
import type { Client } from "./client.js";
import { checkText } from "./draft.js";
import { randomBytes } from "./environment.js";
import type { Room } from "./room.js";
import { refOf, type Who } from "./user.js";

/**
 * The user's private room, made if it isn't there yet: nobody else is in it, it is on all their devices, and programs
 * post notices there.
 */
export async function privateRoom(client: Client, options: CallOptions = {}): Promise<Room> {
  const { room } = await client.call(OpenPrivateRoom, {}, options);
  const id = idOf(room?.id);
  if (id === undefined) throw new ParlourError("malformed");
  return client.room(id);
}

/** A message for somebody's private room. */
export interface PrivateNotice {
  /** Which notice it is: posted again, it is still one. */
  readonly id: ClientRef;
  readonly text: string;
}

/** A notice with that text, to be given to `postNotice` as often as it takes. */
export function notice(text: string): PrivateNotice {
  return { id: uuidV7(Date.now(), randomBytes(10)), text };
}

/**
 * Posts a notice into somebody's private room, exactly once however often it is called. Fails with `text` where that is
 * empty or over 16 KiB, with `SCOPE_MISSING` without the scope `notices`, and with `USER_NOT_FOUND` for who was never
 * here or is deactivated. What fails otherwise may have been posted.
 */
export async function postNotice(
  client: Client,
  to: Who,
  { id, text }: PrivateNotice,
  options: CallOptions = {},
): Promise<void> {
  checkText(text, false);
  const request = { to: refOf(to), clientRef: fieldOf(id), body: encode(MessagePosted, { text }) };
  await client.call(PostNotice, request, options);
}
