/** The members of a room for as long as somebody looks at them. */

import type { RoomSummary, User } from "@parlour/client";
import { membersPage } from "@parlour/client/rooms";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useText } from "../i18n/text.ts";
import { useRoom, useSigned, useValue, useWatched } from "../sdk/context.tsx";
import { fitting, type Known, Roll } from "./roll.ts";

/** Rooms of up to so many come in one answer, and are sorted by name. */
const AT_ONCE_MAX = 500;
/** Of up to so many is watched who is there; the SDK's bound for all of a page is 1,000. */
const GROUPED_MAX = 200;
const PAGE_SIZE = 200;

/** What the list shows. */
export interface Members {
  readonly known: Known;
  /** Those that fit what is searched for. */
  readonly shown: readonly User[];
  /** Those of them who are there, and who aren't; absent in rooms too large to watch all. */
  readonly grouped: { readonly here: readonly User[]; readonly rest: readonly User[] } | undefined;
  /** Reads further ones. */
  readonly more: () => void;
  /** Reads anew what may have changed. */
  readonly refresh: () => void;
}

/** Those of a room that fit a query; further ones are read while it isn't known whether they do. */
export function useMembers(summary: RoomSummary, query: string): Members {
  const { language } = useText();
  const { client } = useSigned();
  const roll = useRoll(summary);
  const known = useSyncExternalStore(roll.subscribe, () => roll.known);
  const present = useValue(client.presence.people);
  useEffect(() => {
    void (query ? roll.find(query) : roll.find("", 1));
    return () => roll.stop();
  }, [roll, query]);
  const isSorted = known.isWhole && known.users.length <= AT_ONCE_MAX;
  const sorted = useMemo(
    () =>
      isSorted ? known.users.toSorted((a, b) => a.name.localeCompare(b.name, language.tag)) : known.users,
    [isSorted, known.users, language.tag],
  );
  const isGrouped = known.isWhole && known.users.length <= GROUPED_MAX;
  useWatched(isGrouped ? known.users.map(({ id }) => id) : []);
  const shown = fitting(sorted, query);
  const isHere = ({ id }: User) =>
    !["offline", "unknown"].includes(present.get(id)?.availability ?? "unknown");
  return {
    known,
    shown,
    grouped: isGrouped ? { here: shown.filter(isHere), rest: shown.filter((it) => !isHere(it)) } : undefined,
    more: () => void (query ? roll.find(query, shown.length + 1) : roll.more()),
    refresh: () => void roll.refresh(),
  };
}

function useRoll({ id, memberCount }: RoomSummary): Roll {
  const { people } = useSigned();
  const room = useRoom(id);
  const [pageSize] = useState(memberCount <= AT_ONCE_MAX ? AT_ONCE_MAX : PAGE_SIZE);
  const roll = useMemo(
    () =>
      new Roll(async (after) => {
        const page = await (after?.next?.() ?? membersPage(room, { pageSize }));
        people.learn(page.users);
        return page;
      }),
    [room, people, pageSize],
  );
  const [counted, setCounted] = useState(memberCount);
  useEffect(() => {
    if (counted === memberCount) return;
    setCounted(memberCount);
    void roll.refresh();
  }, [roll, counted, memberCount]);
  return roll;
}
