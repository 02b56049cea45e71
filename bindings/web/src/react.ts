/** React hooks: what a client, a room or a timeline shows, as it is now and whenever that changes. */

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Client } from "./client/client.js";
import type { TimelineItem } from "./client/message.js";
import type { ObservableList, ObservableValue } from "./client/observe.js";
import type { Room } from "./client/room.js";
import type { State } from "./client/state.js";
import type { Thread } from "./client/thread.js";
import type { Timeline } from "./client/timeline.js";
import type { UserPresence } from "./core/presence.js";
import type { RoomSummary } from "./core/rooms.js";
import type { RoomId, UserId } from "./ids.js";

/** The value of an observable. */
export function useValue<T>(observable: ObservableValue<T>): T {
  const look = () => observable.current;
  return useSyncExternalStore(observable.subscribe, look, look);
}

/** The items of an observable list; another array after each change. */
export function useList<T>(list: ObservableList<T>): readonly T[] {
  const look = () => list.items;
  return useSyncExternalStore(list.subscribe, look, look);
}

/** Where a client stands. */
export function useClientState(client: Client): State {
  return useValue(client.state);
}

/** A client's rooms, the one with the newest event first. */
export function useRooms(client: Client): readonly RoomSummary[] {
  return useList(client.rooms);
}

/** A room on one line; absent when the user isn't in it, or it isn't known yet. */
export function useRoom(client: Client, id: RoomId): RoomSummary | undefined {
  const look = () => client.room(id).summary;
  return useSyncExternalStore(client.rooms.subscribe, look, look);
}

/** What `useTimeline` shows. */
export interface ShownTimeline {
  /** Oldest first; empty until what the cache has is there. */
  readonly items: readonly TimelineItem[];
  /** The timeline, once it is open: for `loadOlder`. */
  readonly timeline: Timeline | undefined;
}

const NOTHING: readonly TimelineItem[] = [];
const never = () => () => undefined;

/** The timeline of a room or thread, which is open for as long as the component is there. */
export function useTimeline(of: Room | Thread): ShownTimeline {
  const timeline = useOpened(of);
  const look = () => timeline?.items ?? NOTHING;
  const items = useSyncExternalStore(timeline?.subscribe ?? never, look, look);
  return useMemo(() => ({ items, timeline }), [items, timeline]);
}

function useOpened(of: Room | Thread): Timeline | undefined {
  const [opened, setOpened] = useState<{ of: string; timeline: Timeline }>();
  // Rooms and threads are made anew each time: what they are of is the same.
  const [client, key] =
    "rootSeq" in of ? [of.room.client, `${of.room.id}/${of.rootSeq}`] : [of.client, of.id];
  // biome-ignore lint/correctness/useExhaustiveDependencies: `of` may be another object for the same room
  useEffect(() => {
    let isGone = false;
    let timeline: Timeline | undefined;
    of.timeline().then(
      (open) => {
        timeline = open;
        if (isGone) open.close();
        else setOpened({ of: key, timeline: open });
      },
      // The client is closed: there is nothing to show.
      () => undefined,
    );
    return () => {
      isGone = true;
      timeline?.close();
    };
  }, [client, key]);
  return opened?.of === key ? opened.timeline : undefined;
}

/** Who of these is there; they are watched for as long as the component is there. */
export function usePresence(client: Client, users: readonly UserId[]): ReadonlyMap<UserId, UserPresence> {
  const key = users.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is what the users are
  useEffect(() => client.presence.watch(users), [client, key]);
  return useValue(client.presence.people);
}
