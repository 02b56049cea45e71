/** Search: messages by their words, and where those stand in them (PROTOCOL.md, section 28). */

import { decode, encode, type Init } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { LogEvent, submessages } from "../core/event.js";
import { itemsOf } from "../core/timeline/timeline.js";
import { ParlourError } from "../errors.js";
import { SearchMessages } from "../generated/rpc.js";
import {
  SearchHit,
  SearchMessagesItem,
  type SearchMessagesRequest,
  SearchOrder,
} from "../generated/search/v1/search.js";
import { fieldOf, idOf, type RoomId, type UserId } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import { lineOf, type Message } from "./message.js";

/** What is searched for. What isn't said doesn't matter; something has to be. */
export interface Search {
  /** Words, each of which is in the message, in any order. */
  text?: string;
  /** Words that stand in it one right after another. */
  phrases?: readonly string[];
  /** The last word of `text` may go on, as it does while somebody types. */
  isTyping?: boolean;
  /** Only in these rooms. */
  rooms?: readonly RoomId[];
  /** Only from one of these users. */
  senders?: readonly UserId[];
  /** Sent then or later, Unix milliseconds. */
  afterMs?: number;
  /** Sent before then, Unix milliseconds. */
  beforeMs?: number;
  /** There is a link in it. */
  hasLink?: boolean;
  /** There is a file with it. */
  hasFile?: boolean;
  /** Only this thread of the one room in `rooms`, its root included. */
  threadRoot?: number;
  /** The newest first, or those that say most of what is searched for. */
  order?: "newest" | "relevance";
  /** 1 to 50; 20 unless it is said. */
  limit?: number;
}

/** A message that is as asked for. */
export interface Hit {
  readonly message: Message;
  /** Where the words are in its text: from, and up to before, as `text.slice` takes them. */
  readonly highlights: readonly (readonly [from: number, to: number])[];
}

/** Some of what was found. */
export interface SearchPage {
  readonly hits: readonly Hit[];
  /** The index is being made, and more is found later. */
  readonly isBuilding: boolean;
  /** The next page; absent at the end. */
  readonly next: ((options?: CallOptions) => Promise<SearchPage>) | undefined;
}

/** Searches for words, or for more. Only with a connection; fails with `SEARCH_DISABLED` where there is no index. */
export async function search(
  client: Client,
  what: string | Search,
  options: CallOptions = {},
): Promise<SearchPage> {
  return pageOf(client, requestOf(typeof what === "string" ? { text: what } : what), options);
}

function requestOf({
  rooms = [],
  senders = [],
  isTyping,
  threadRoot,
  order,
  ...rest
}: Search): Init<SearchMessagesRequest> {
  return {
    ...rest,
    lastIsPrefix: isTyping,
    rooms: rooms.map(fieldOf),
    senders: senders.map(fieldOf),
    threadRootSeq: threadRoot,
    order: order === "relevance" ? SearchOrder.RELEVANCE : SearchOrder.NEWEST,
  };
}

async function pageOf(
  client: Client,
  request: Init<SearchMessagesRequest>,
  { signal }: CallOptions,
): Promise<SearchPage> {
  signal?.throwIfAborted();
  const body = encode(SearchMessages.request, request);
  const items = await driverOf(client).ask({ method: SearchMessages.id, body }, signal);
  try {
    const { nextPage = new Uint8Array(0), building = false } = decode(
      SearchMessagesItem,
      items.at(-1) ?? new Uint8Array(0),
    );
    const hits = items.flatMap((item) => submessages(1, item)).flatMap((hit) => hitOf(client, hit));
    const next = (more: CallOptions = {}) => pageOf(client, { ...request, page: nextPage }, more);
    return { hits, isBuilding: building, next: nextPage.length > 0 ? next : undefined };
  } catch (cause) {
    if (cause instanceof Malformed) throw new ParlourError("malformed", { cause });
    throw cause;
  }
}

/** A hit; one of a room that isn't named, or that isn't a message, is none. */
function hitOf(client: Client, bytes: Uint8Array): Hit[] {
  const { room: field, highlights } = decode(SearchHit, bytes);
  const room = idOf(field);
  const [raw] = submessages(2, bytes);
  if (room === undefined || raw === undefined) return [];
  const edits = submessages(3, bytes).map((edit) => LogEvent.parse(edit));
  const [item] = itemsOf(room, client.me, [LogEvent.parse(raw)], edits);
  if (item?.type !== "message") return [];
  const message = lineOf(item, client.room(room)) as Message;
  const places = highlights.map(({ offset, len }) => [offset, offset + len] as const);
  return [{ message, highlights: inUnits(item.text, places) }];
}

/** Places in bytes of UTF-8 as places in a JavaScript text. */
function inUnits(
  text: string,
  places: readonly (readonly [number, number])[],
): (readonly [number, number])[] {
  const unitAt = new Map<number, number>([[0, 0]]);
  let [bytes, units] = [0, 0];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    units += character.length;
    unitAt.set(bytes, units);
  }
  const found = places.map(([from, to]) => [unitAt.get(from) ?? -1, unitAt.get(to) ?? -1] as const);
  return found.filter(([from, to]) => from >= 0 && to >= 0);
}
