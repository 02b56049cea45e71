/** The client: one user on one device. */

import { decode, encode, type Init } from "../codec/message.js";
import type { BulkMethod, ControlMethod } from "../codec/method.js";
import { MemoryCache } from "../core/cache/memory.js";
import type { RoomSummary } from "../core/rooms.js";
import { ParlourError } from "../errors.js";
import type { Room as WireRoom } from "../generated/room/v1/room.js";
import { CreateGroup, GetUsers, ListThreads, OpenDirect } from "../generated/rpc.js";
import type { FollowedThread as WireFollowed } from "../generated/thread/v1/thread.js";
import { fieldOf, idOf, idsOf, type RoomId, type UserId, uuidV7 } from "../ids.js";
import { USERS_PER_CALL_MAX } from "../limits.js";
import type { CallOptions } from "./call.js";
import { Driver, type RoomEvents } from "./driver.js";
import { type ClientOptions, randomBytes } from "./environment.js";
import type { ObservableList, ObservableStream, ObservableValue } from "./observe.js";
import { followPage } from "./page.js";
import { Presence } from "./presence.js";
import { Room } from "./room.js";
import type { State } from "./state.js";
import type { FollowedThread } from "./thread.js";
import { refOf, type User, usersOf, type Who } from "./user.js";

const CONNECT_WITHIN_MS = 15_000;

const drivers = new WeakMap<Client, Driver>();

/** @internal What drives a client, for the entry points beside the main one. */
export function driverOf(client: Client): Driver {
  const driver = drivers.get(client);
  if (!driver) throw new ParlourError("closed");
  return driver;
}

/** @internal A client that a test made. */
export function adoptDriver(client: Client, driver: Driver): void {
  drivers.set(client, driver);
}

/** One user on one device. Works in a page, in a worker, and in Node. */
export class Client {
  readonly #driver: Driver;
  readonly #leavePage: () => void;
  /** Who is there. */
  readonly presence: Presence;

  private constructor(driver: Driver) {
    this.#driver = driver;
    drivers.set(this, driver);
    this.#leavePage = followPage(driver);
    this.presence = new Presence(driver);
  }

  /**
   * Starts the client and waits until it is connected. Fails with `stopped` where it never will be by itself, as
   * with a token that is refused, and with `offline` where there is no connection in time.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const client = await Client.start(options);
    try {
      await client.#connected(options.connectWithinMs ?? CONNECT_WITHIN_MS);
      return client;
    } catch (error) {
      await client.disconnect();
      throw error;
    }
  }

  /**
   * Starts the client and returns once its cache is open: rooms and messages are there, what is sent waits, and the
   * connection is made as soon as it can be.
   */
  static async start(options: ClientOptions): Promise<Client> {
    const { cache = "memory" } = options;
    const place = cache === "memory" ? new MemoryCache() : cache;
    const saved = await place.load().catch((cause: unknown) => {
      throw new ParlourError("cache", { cause });
    });
    const driver = new Driver(options, place, saved);
    driver.flush();
    return new Client(driver);
  }

  // Standing.

  /** Where the client stands, now and whenever that changes. */
  get state(): ObservableValue<State> {
    return this.#driver.state;
  }

  /** The user; absent before the first connection ever. */
  get me(): UserId | undefined {
    return this.#driver.engine.me;
  }

  /** Whether everything that happened while the client was away is known, now and whenever that changes. */
  get isSynced(): ObservableValue<boolean> {
    return this.#driver.isSynced;
  }

  /** Waits until everything that happened while the client was away is known. */
  synced(): Promise<void> {
    return this.#driver.whenSynced();
  }

  /** How many things wait to be sent. */
  get unsent(): number {
    return this.#driver.engine.outboxSize;
  }

  /** The device has another network, or woke up: looks at once whether the connection lives. Pages do it by themselves. */
  networkChanged(): void {
    this.#driver.nudge((connector) => connector.networkChanged());
  }

  /** Connects again after a stop, or at once while offline, with a fresh token. */
  reconnect(): void {
    this.#driver.nudge((connector) => connector.reconnect());
  }

  /** Ends the client: closes the connection and writes the cache. What waits in the outbox is kept there. */
  async disconnect(): Promise<void> {
    this.#leavePage();
    await this.#driver.close();
  }

  async #connected(withinMs: number): Promise<void> {
    const states = this.state[Symbol.asyncIterator]();
    const late = setTimeout(() => void states.return?.(), withinMs);
    try {
      for await (const state of states) {
        if (state.type === "live") return;
        if (state.type === "stopped") throw new ParlourError("stopped", { stop: state.stop });
        const code = state.type === "offline" && state.after.why === "closed" ? state.after.code : "";
        if (/^(TOKEN|REAUTH)_/.test(code)) throw new ParlourError("stopped", { stop: refused(code) });
      }
      throw new ParlourError("offline");
    } finally {
      clearTimeout(late);
    }
  }

  // Rooms.

  /** The rooms, the one with the newest event first: a list, and an iterable of its changes. */
  get rooms(): ObservableList<RoomSummary> {
    return this.#driver.rooms;
  }

  /** A room by its id. Nothing is asked of the server. */
  room(id: RoomId): Room {
    return new Room(this, this.#driver, id);
  }

  /** The direct room with somebody; made if it isn't there yet. */
  async openDirect(who: Who, options: CallOptions = {}): Promise<Room> {
    const { room } = await this.call(OpenDirect, { with: refOf(who) }, options);
    return this.#roomOf(room);
  }

  /** A new group with these members and the user. */
  async createGroup(name: string, members: readonly Who[] = [], options: CallOptions = {}): Promise<Room> {
    const clientRef = fieldOf(uuidV7(Date.now(), randomBytes(10)));
    const { room } = await this.call(CreateGroup, { clientRef, name, members: members.map(refOf) }, options);
    return this.#roomOf(room);
  }

  #roomOf(room: WireRoom | undefined): Room {
    const id = idOf(room?.id);
    if (id === undefined) throw new ParlourError("malformed");
    return this.room(id);
  }

  /**
   * Every event of every room while connected, in each room's order, without repetition. For programs; screens want
   * timelines. After a long absence the events between are left out: read `Room.timeline` for those.
   */
  get events(): ObservableStream<RoomEvents> {
    return this.#driver.events;
  }

  // Users.

  /** Users of the organization, from memory where they were asked for before. Unknown ones are left out. */
  async users(ids: readonly UserId[], options: CallOptions = {}): Promise<Map<UserId, User>> {
    const known = this.#driver.users;
    let rest = ids.filter((id) => !known.has(id));
    while (rest.length > 0) {
      const asked = rest.slice(0, USERS_PER_CALL_MAX);
      const { users, lookedAt } = await this.call(GetUsers, { users: asked.map(fieldOf) }, options);
      // A server that doesn't say has looked at all.
      rest = rest.slice(Math.min(lookedAt || asked.length, asked.length));
      for (const user of usersOf(users)) known.set(user.id, user);
    }
    const found = ids.flatMap((id) => known.get(id) ?? []);
    return new Map(found.map((user) => [user.id, user]));
  }

  // Threads.

  /** The threads that the user follows, the one with the newest reply first. Only with a connection. */
  async threads(filter: { unreadOnly?: boolean } = {}, options: CallOptions = {}): Promise<FollowedThread[]> {
    const threads: FollowedThread[] = [];
    let page = new Uint8Array(0);
    do {
      const request = { page, pageSize: 100, unreadOnly: filter.unreadOnly ?? false };
      const answer = await this.call(ListThreads, request, options);
      threads.push(...answer.threads.flatMap((followed) => this.#followed(followed)));
      page = answer.nextPage as Uint8Array<ArrayBuffer>;
    } while (page.length > 0);
    return threads;
  }

  #followed({ room: field, thread, unread }: WireFollowed): FollowedThread[] {
    const room = idOf(field);
    if (room === undefined || thread === undefined) return [];
    const { threadNo, deleted, lastSeq, lastAtMs } = thread;
    const followed = {
      thread: this.room(room).thread(thread.rootSeq),
      summary: { replies: Math.max(threadNo - deleted, 0), lastSeq, lastAtMs },
      repliers: idsOf<UserId>(thread.repliers),
      unread: unread?.messages ?? 0,
      mentions: unread?.mentions ?? 0,
    };
    return [followed];
  }

  // The protocol itself.

  /**
   * Makes any call of the contract: the methods are in `@parlour/client/proto`. Without a connection it waits for
   * one, and it is made again where its answer was lost. One with a lane of its own is answered by all its items.
   */
  call<Request, Response>(
    method: ControlMethod<Request, Response>,
    request: Init<Request>,
    options?: CallOptions,
  ): Promise<Response>;
  call<Request, Item>(
    method: BulkMethod<Request, Item>,
    request: Init<Request>,
    options?: CallOptions,
  ): Promise<Item[]>;
  async call<Request, Response>(
    method: ControlMethod<Request, Response> | BulkMethod<Request, Response>,
    request: Init<Request>,
    { signal }: CallOptions = {},
  ): Promise<Response | Response[]> {
    signal?.throwIfAborted();
    const made = { method: method.id, body: encode(method.request, request) };
    if (method.lane === "bulk") {
      const items = await this.#driver.ask(made, signal);
      return items.map((item) => read(method.response, item));
    }
    return read(method.response, await this.#driver.call(made, signal));
  }
}

function read<T>(type: Parameters<typeof decode<T>>[0], bytes: Uint8Array): T {
  try {
    return decode(type, bytes);
  } catch (cause) {
    throw new ParlourError("malformed", { cause });
  }
}

function refused(code: string) {
  return { why: "token-refused", code: code as "TOKEN_INVALID" } as const;
}
