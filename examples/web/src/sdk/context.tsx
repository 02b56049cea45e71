/** What components have of the SDK: the client, its observables as hooks, and people by id. */

import type {
  Client,
  ObservableList,
  ObservableValue,
  Room,
  RoomId,
  RoomSummary,
  State,
  User,
  UserId,
  UserPresence,
} from "@parlour/client";
import type { Users } from "@parlour/client/people";
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Session } from "../session/session.ts";

/** What a signed-in user has. */
export interface Signed {
  readonly client: Client;
  readonly people: Users;
  readonly session: Session;
  /** Ends the session, at the server and on this device. */
  readonly signOut: () => void;
}

const Context = createContext<Signed | undefined>(undefined);

/** Gives the client to everything in it. */
export const SignedProvider = Context.Provider;

/** The client, its people, and the way out. */
export function useSigned(): Signed {
  const signed = useContext(Context);
  if (!signed) throw new Error("this component stands outside of a session");
  return signed;
}

/** The client. */
export function useClient(): Client {
  return useSigned().client;
}

/** A list of the SDK, drawn anew when it changes. */
export function useList<T>(list: ObservableList<T>): readonly T[] {
  return useSyncExternalStore(list.subscribe, () => list.items);
}

/** A value of the SDK, drawn anew when it changes. */
export function useValue<T>(value: ObservableValue<T>): T {
  return useSyncExternalStore(value.subscribe, () => value.current);
}

/** Where the client stands. */
export function useClientState(): State {
  return useValue(useClient().state);
}

/** The user; absent before the first connection ever. */
export function useMe(): UserId | undefined {
  const client = useClient();
  return useSyncExternalStore(client.state.subscribe, () => client.me);
}

/** Whether everything that happened while the user was away is known. */
export function useSynced(): boolean {
  return useValue(useClient().isSynced);
}

/** All rooms, the one with the newest event first. */
export function useRooms(): readonly RoomSummary[] {
  return useList(useClient().rooms);
}

/** A room on one line; drawn anew only when that room changes. */
export function useRoomSummary(id: RoomId): RoomSummary | undefined {
  const client = useClient();
  const room = useMemo(() => client.room(id), [client, id]);
  return useSyncExternalStore(client.rooms.subscribe, () => room.summary);
}

/** A room to act in. */
export function useRoom(id: RoomId): Room {
  const client = useClient();
  return useMemo(() => client.room(id), [client, id]);
}

/** Somebody; absent until their name is known. */
export function usePerson(id: UserId | undefined): User | undefined {
  const { people } = useSigned();
  useEffect(() => {
    if (id) people.want([id]);
  }, [people, id]);
  return useSyncExternalStore(people.subscribe, () => people.get(id));
}

/** Several people, as far as their names are known. The array is another one only when one of them is. */
export function usePersons(ids: readonly UserId[]): readonly User[] {
  const { people } = useSigned();
  const key = ids.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is in the array.
  useEffect(() => people.want(ids), [people, key]);
  const pick = useMemo(() => {
    let last: readonly User[] = [];
    return () => {
      const now = (key ? (key.split(",") as UserId[]) : []).flatMap((id) => people.get(id) ?? []);
      if (now.length !== last.length || now.some((user, at) => user !== last[at])) last = now;
      return last;
    };
  }, [people, key]);
  return useSyncExternalStore(people.subscribe, pick);
}

/** Whether somebody is there, as far as they are watched. */
export function usePresence(id: UserId | undefined): UserPresence | undefined {
  const { people } = useClient().presence;
  return useSyncExternalStore(people.subscribe, () => id && people.current.get(id));
}

/** Watches who is there for as long as a component stands. */
export function useWatched(ids: readonly UserId[]): void {
  const { presence } = useClient();
  const key = ids.join();
  useEffect(() => {
    if (!key) return undefined;
    try {
      return presence.watch(key.split(",") as UserId[]);
    } catch {
      // More than a connection may watch: dots stay away.
      return undefined;
    }
  }, [presence, key]);
}
