/** Who has read how far (PROTOCOL.md, section 22). */

import { decode } from "../codec/message.js";
import type { Signal } from "../core/signal.js";
import { isCountable } from "../generated/events.js";
import * as Kind from "../generated/kinds.js";
import { ReadReceipt } from "../generated/receipt/v1/receipt.js";
import { ListReceipts } from "../generated/rpc.js";
import { fieldOf, idOf, type UserId } from "../ids.js";
import { MEMBERS_PAGE, SEQ_MAX } from "../limits.js";
import type { CallOptions } from "./call.js";
import { driverOf } from "./client.js";
import type { RoomEvents } from "./driver.js";
import { ObservableValue } from "./observe.js";
import type { Room } from "./room.js";

/** How far a member has read. */
export interface Receipt {
  readonly user: UserId;
  /** Everything up to here. */
  readonly seq: number;
  /** Since when, Unix milliseconds. */
  readonly atMs: number;
}

/**
 * How far the members of a room have read, by user. Those who hide it aren't in it; in rooms of more than 50 members
 * it changes only by messages and by `refresh`. `close` it after use.
 */
export class Receipts extends ObservableValue<ReadonlyMap<UserId, Receipt>> {
  readonly #room: Room;
  readonly #leave: (() => void)[];
  readonly #gone = new AbortController();
  /** What came while all of them were read, for each read under way. */
  readonly #meanwhile = new Set<Receipt[]>();

  private constructor(room: Room) {
    super(new Map());
    this.#room = room;
    const driver = driverOf(room.client);
    driver.adopt(this);
    this.#leave = [
      driver.signals.hear((signal) => this.#hear(signal)),
      driver.events.hear((news) => this.#hearEvents(news)),
    ];
  }

  /** @internal See `receipts`. */
  static async open(room: Room, options: CallOptions): Promise<Receipts> {
    const receipts = new Receipts(room);
    try {
      await receipts.refresh(options);
      return receipts;
    } catch (error) {
      receipts.close();
      throw error;
    }
  }

  /** Who has read the message at `seq`, its sender included. */
  readBy(seq: number): UserId[] {
    return [...this.current.values()].filter((receipt) => receipt.seq >= seq).map(({ user }) => user);
  }

  /** Reads all of them again. */
  async refresh({ signal }: CallOptions = {}): Promise<void> {
    const given = [this.#gone.signal, ...(signal ? [signal] : [])];
    const meanwhile: Receipt[] = [];
    this.#meanwhile.add(meanwhile);
    try {
      const all = await this.#read({ signal: AbortSignal.any(given) });
      // What came meanwhile is newer, or the same.
      this.set(further(all, meanwhile) ?? all);
    } finally {
      this.#meanwhile.delete(meanwhile);
    }
  }

  /** Nobody looks at it any more: iterations end. */
  close(): void {
    driverOf(this.#room.client).release(this);
    this.end();
  }

  /** @internal */
  override end(): void {
    for (const leave of this.#leave) leave();
    this.#gone.abort();
    super.end();
  }

  async #read(options: CallOptions): Promise<Map<UserId, Receipt>> {
    const all = new Map<UserId, Receipt>();
    let page = new Uint8Array(0);
    do {
      const request = { room: fieldOf(this.#room.id), page, pageSize: MEMBERS_PAGE };
      const answer = await this.#room.client.call(ListReceipts, request, options);
      for (const { user: field, seq, atMs } of answer.receipts) {
        const user = idOf<UserId>(field);
        if (user) all.set(user, { user, seq, atMs });
      }
      page = answer.nextPage as Uint8Array<ArrayBuffer>;
    } while (page.length > 0);
    return all;
  }

  #hear(signal: Signal): void {
    // Without a connection they stay as they were; the next one says this again.
    if (signal.type === "missed") void this.refresh().catch(() => undefined);
    if (signal.type !== "ephemeral" || signal.kind !== Kind.readReceipt) return;
    if (signal.room !== this.#room.id) return;
    try {
      const { seq, atMs } = decode(ReadReceipt, signal.body);
      this.#learn([{ user: signal.sender, seq: Math.min(seq, SEQ_MAX), atMs }]);
    } catch {
      // One that can't be read is none.
    }
  }

  /** Whoever sends has read what is before it. */
  #hearEvents({ room, events }: RoomEvents): void {
    if (room !== this.#room.id) return;
    const own = events.filter(({ kind, header }) => isCountable(kind) && header.threadRootSeq === 0);
    this.#learn(
      own.flatMap(({ sender, seq, header }) => (sender ? [{ user: sender, seq, atMs: header.atMs }] : [])),
    );
  }

  #learn(receipts: readonly Receipt[]): void {
    for (const meanwhile of this.#meanwhile) meanwhile.push(...receipts);
    const known = further(this.current, receipts);
    if (known) this.set(known);
  }
}

/** These with those who have read on; `undefined` where nobody has. */
function further(
  known: ReadonlyMap<UserId, Receipt>,
  receipts: readonly Receipt[],
): Map<UserId, Receipt> | undefined {
  const all = new Map(known);
  let isNew = false;
  for (const receipt of receipts) {
    if (receipt.seq <= (all.get(receipt.user)?.seq ?? 0)) continue;
    isNew = true;
    all.set(receipt.user, receipt);
  }
  return isNew ? all : undefined;
}

/** How far the members of a room have read, and from now on whoever gets further. Needs a connection. */
export async function receipts(room: Room, options: CallOptions = {}): Promise<Receipts> {
  return Receipts.open(room, options);
}
