/** The organization's own emoji (PROTOCOL.md, section 43). */

import { hashOf } from "../core/record.js";
import type { Attachment } from "../core/timeline/item.js";
import type { Emoji as WireEmoji } from "../generated/emoji/v1/emoji.js";
import { AddEmoji, ListEmoji, RemoveEmoji } from "../generated/rpc.js";
import { bytesOf, idOf, type UserId } from "../ids.js";
import { EMOJI_AGAIN_AFTER_MS, EMOJI_PAGE } from "../limits.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";
import type { Driver } from "./driver.js";
import { ObservableValue } from "./observe.js";

/** An emoji of the organization. In texts, reactions and statuses it stands as `:name:`. */
export interface Emoji {
  /** Its name, without colons. */
  readonly name: string;
  /** SHA-256 of its picture, in hexadecimal digits: for `picture` of `@parlour/client/files`. */
  readonly picture: string;
  /** Who added it. */
  readonly creator: UserId;
  /** When, Unix milliseconds. */
  readonly addedMs: number;
}

/**
 * The emoji of the user's organization by their names: empty until they are read. Nobody is told of new ones, so
 * that a name that isn't known makes the list be read again, once a minute at most.
 */
export class Emojis extends ObservableValue<ReadonlyMap<string, Emoji>> {
  readonly #client: Client;
  readonly #driver: Driver;
  #readMs = Number.NEGATIVE_INFINITY;

  /** @internal See `emojis`. */
  constructor(client: Client, driver: Driver) {
    super(new Map());
    this.#client = client;
    this.#driver = driver;
  }

  /** The emoji for `name` or `:name:`; one that isn't known may come later, with a change of this value. */
  find(name: string): Emoji | undefined {
    const known = this.current.get(name.replace(/^:(.*):$/, "$1"));
    const nowMs = this.#driver.now().elapsedMs;
    // Without a connection it stays as it was, until somebody asks again.
    if (!known && nowMs - this.#readMs >= EMOJI_AGAIN_AFTER_MS) void this.refresh().catch(() => undefined);
    return known;
  }

  /** Reads all of them again. */
  async refresh(options: CallOptions = {}): Promise<void> {
    this.#readMs = this.#driver.now().elapsedMs;
    const all = new Map<string, Emoji>();
    let page = "";
    do {
      const answer = await this.#client.call(ListEmoji, { page, pageSize: EMOJI_PAGE }, options);
      for (const emoji of answer.emoji.flatMap((one) => emojiOf(one) ?? [])) all.set(emoji.name, emoji);
      page = answer.nextPage;
    } while (page !== "");
    this.set(all);
  }

  /**
   * Adds one with a picture that the user has uploaded within seven days. Does nothing where it is there already as
   * theirs. Fails with `EMOJI_TAKEN`, `TOO_MANY_EMOJI`, `BLOB_NOT_FOUND`; with `INVALID_FIELD` for another name than 1 to
   * 32 of `a-z 0-9 _ + -`, or what isn't a PNG, GIF, JPEG or WebP of at most 256 KiB and 512 pixels; and with
   * `NOT_ALLOWED` for guests.
   */
  async add(name: string, picture: Attachment, options: CallOptions = {}): Promise<void> {
    const { emoji } = await this.#client.call(AddEmoji, { name, hash: bytesOf(picture.hash) }, options);
    const added = emoji && emojiOf(emoji);
    if (added) this.set(new Map(this.current).set(name, added));
  }

  /** Removes one: the user's own, or any for owners and admins. Fails with `EMOJI_NOT_FOUND` and `NOT_ALLOWED`. */
  async remove(name: string, options: CallOptions = {}): Promise<void> {
    await this.#client.call(RemoveEmoji, { name }, options);
    const left = new Map(this.current);
    left.delete(name);
    this.set(left);
  }
}

function emojiOf({ name, blob, creator: field, addedMs }: WireEmoji): Emoji | undefined {
  const picture = blob && hashOf(blob.hash);
  const creator = idOf<UserId>(field);
  return picture !== undefined && creator !== undefined ? { name, picture, creator, addedMs } : undefined;
}

const made = new WeakMap<Driver, Emojis>();

/** The emoji of the user's organization: the same list each time, which is read when it is asked for first. */
export function emojis(client: Client): Emojis {
  const driver = driverOf(client);
  const known = made.get(driver);
  if (known) return known;
  const all = driver.adopt(new Emojis(client, driver));
  made.set(driver, all);
  void all.refresh().catch(() => undefined);
  return all;
}
