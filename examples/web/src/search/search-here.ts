/** Opening the search for what the user looks at. */

import type { RoomId } from "@parlour/client";
import { go, hashOf, parseRoute } from "../app/route.ts";
import { openSearch } from "./searching.ts";

/** Searches in a room; what stands beside it makes way. */
export function searchHere(room: RoomId): void {
  const route = parseRoute(location.hash);
  const aside = route.is === "room" ? route.aside : undefined;
  openSearch({ room, root: aside?.is === "thread" ? aside.root : undefined });
  if (aside) go(hashOf.room(room));
}

/** Searches everywhere. */
export function searchEverywhere(): void {
  const route = parseRoute(location.hash);
  openSearch({ room: undefined });
  if (route.is === "room" && route.aside) go(hashOf.room(route.room));
}

/** Searches where the user is: in the room that is open, else everywhere. */
export function searchFromHere(): void {
  const route = parseRoute(location.hash);
  if (route.is === "room") searchHere(route.room);
  else searchEverywhere();
}
