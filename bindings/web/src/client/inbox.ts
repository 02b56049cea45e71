/** The inbox: messages that mention the user, wherever they are (PROTOCOL.md, section 24). */

import { decode, encode } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { eventsIn, submessages } from "../core/event.js";
import { itemsOf } from "../core/timeline/timeline.js";
import { ParlourError } from "../errors.js";
import { ReadMentionsItem, Mention as WireMention } from "../generated/inbox/v1/inbox.js";
import { ReadMentions } from "../generated/rpc.js";
import { idOf } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { lineOf, type Message } from "./message.js";
import type { Room } from "./room.js";

/** A message that mentions the user, as of when it was asked for. */
export interface Mention {
  readonly room: Room;
  readonly message: Message;
  /**
   * It stands after the user's marker in its room or thread. In a thread that the user doesn't follow nothing is
   * unread.
   */
  readonly isUnread: boolean;
}

/** Some of them, the newest first. */
export interface MentionsPage {
  readonly mentions: readonly Mention[];
  /** The next page; absent at the end. */
  readonly next: ((options?: CallOptions) => Promise<MentionsPage>) | undefined;
}

/** Which mentions: all or those that are unread, 1 to 100 a page. */
export interface MentionsFilter {
  unreadOnly?: boolean;
  limit?: number;
}

/** Messages that mention the user by name, the newest first. Needs a connection. */
export async function mentions(
  client: Client,
  filter: MentionsFilter = {},
  options: CallOptions = {},
): Promise<MentionsPage> {
  return pageOf(client, filter, new Uint8Array(0), options);
}

async function pageOf(
  client: Client,
  filter: MentionsFilter,
  from: Uint8Array,
  options: CallOptions,
): Promise<MentionsPage> {
  for (let page = from; ; ) {
    const items = await ask(client, filter, page, options);
    const { found, nextPage } = read(client, items);
    page = nextPage;
    const next = (more: CallOptions = {}) => pageOf(client, filter, nextPage, more);
    if (nextPage.length === 0) return { mentions: found, next: undefined };
    // A page may have none and still lead on.
    if (found.length > 0) return { mentions: found, next };
  }
}

async function ask(
  client: Client,
  { unreadOnly = false, limit = 0 }: MentionsFilter,
  page: Uint8Array,
  { signal }: CallOptions,
): Promise<Uint8Array[]> {
  signal?.throwIfAborted();
  const body = encode(ReadMentions.request, { page, limit, unreadOnly });
  return driverOf(client).ask({ method: ReadMentions.id, body }, signal);
}

function read(client: Client, items: readonly Uint8Array[]): { found: Mention[]; nextPage: Uint8Array } {
  try {
    const found = items.flatMap((item) => submessages(1, item)).flatMap((one) => mentionOf(client, one));
    return { found, nextPage: decode(ReadMentionsItem, items.at(-1) ?? new Uint8Array(0)).nextPage };
  } catch (cause) {
    throw cause instanceof Malformed ? new ParlourError("malformed", { cause }) : cause;
  }
}

function mentionOf(client: Client, bytes: Uint8Array): Mention[] {
  const { room: field, unread } = decode(WireMention, bytes);
  const id = idOf(field);
  if (id === undefined) return [];
  const [event] = eventsIn(2, bytes);
  const items = event ? itemsOf(id, client.me, [event], eventsIn(3, bytes)) : [];
  const item = items.find((one) => one.type === "message" && one.place.number === event?.seq);
  const room = client.room(id);
  return item ? [{ room, message: lineOf(item, room) as Message, isUnread: unread }] : [];
}
