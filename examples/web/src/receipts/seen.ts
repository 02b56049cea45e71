/** Up to where others have read a room: under which message each of them stands. */

import type { Room, TimelineItem, UserId } from "@parlour/client";
import { type Receipts, receipts } from "@parlour/client/receipts";
import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { seqOf } from "../timeline/rows.ts";

/** Rooms of at most so many members tell of each of them as it happens. */
export const SMALL_ROOM_MAX = 50;

/** Who stands under which message. */
export type SeenAt = ReadonlyMap<number, readonly UserId[]>;

const NOBODY: readonly UserId[] = [];
const NOTHING: SeenAt = new Map();
const never = () => () => undefined;

/** The last message that each has read, out of these; the user's own are no news. Who read last stands first. */
export function placesOf(
  read: Iterable<{ user: UserId; seq: number; atMs: number }>,
  items: readonly TimelineItem[],
  me: UserId | undefined,
): Map<number, UserId[]> {
  const seqs = items.flatMap((item) => (item.type === "message" ? (seqOf(item) ?? []) : []));
  const places = new Map<number, UserId[]>();
  const newest = [...read].sort((a, b) => b.atMs - a.atMs);
  for (const { user, seq } of newest) {
    const at = user === me ? undefined : lastUpTo(seqs, seq);
    if (at !== undefined) places.set(at, [...(places.get(at) ?? []), user]);
  }
  return places;
}

function lastUpTo(seqs: readonly number[], seq: number): number | undefined {
  let [low, high] = [0, seqs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((seqs[middle] as number) <= seq) low = middle + 1;
    else high = middle;
  }
  return seqs[low - 1];
}

/** A list for each message that stays the same array as long as the same people are in it. */
class Store {
  private places: SeenAt = NOTHING;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  at(seq: number | undefined): readonly UserId[] {
    return (seq !== undefined && this.places.get(seq)) || NOBODY;
  }

  set(next: SeenAt): void {
    const kept = [...next].map(([seq, users]) => {
      const before = this.places.get(seq);
      return [seq, before?.join() === users.join() ? before : users] as const;
    });
    this.places = new Map(kept);
    for (const listener of [...this.listeners]) listener();
  }
}

const Context = createContext<Store | undefined>(undefined);

/** Gives the places to the rows of a timeline. */
export const SeenProvider = Context.Provider;

/** Follows who has read how far in a room, while that is small enough to be told. */
export function useSeenStore(room: Room, items: readonly TimelineItem[], isWanted: boolean): Store {
  const store = useMemo(() => new Store(), []);
  const [opened, setOpened] = useState<Receipts>();
  useEffect(() => {
    if (!isWanted) return undefined;
    const ended = new AbortController();
    let mine: Receipts | undefined;
    receipts(room, { signal: ended.signal }).then(
      (it) => {
        mine = it;
        if (ended.signal.aborted) it.close();
        else setOpened(it);
      },
      // Without a connection nobody is known to have read.
      () => undefined,
    );
    return () => {
      ended.abort();
      mine?.close();
      setOpened(undefined);
    };
  }, [room, isWanted]);
  const read = useSyncExternalStore(opened?.subscribe ?? never, () => opened?.current);
  useEffect(() => {
    store.set(read ? placesOf(read.values(), items, room.client.me) : NOTHING);
  }, [store, read, items, room]);
  return store;
}

/** Who stands under a message. */
export function useSeenAt(seq: number | undefined): readonly UserId[] {
  const store = useContext(Context);
  return useSyncExternalStore(store?.subscribe ?? never, () => store?.at(seq) ?? NOBODY);
}
