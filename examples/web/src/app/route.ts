/** Where the user is, in the fragment of the address: the app may lie in any folder, and links can be passed on. */

import { type RoomId, roomId } from "@parlour/client";
import { useMemo, useSyncExternalStore } from "react";

/** What stands beside a room's timeline. */
export type Aside =
  | { is: "thread"; root: number; at: number | undefined }
  | { is: "members" }
  | { is: "pins" }
  | { is: "details" }
  | undefined;

/** What of the inbox is shown. */
export type InboxTab = "mentions" | "saved" | "reminders";

/** A place in the app. */
export type Route =
  | { readonly is: "home" }
  | { readonly is: "threads" }
  /** A part of the administration, and what is open in it. */
  | { readonly is: "admin"; readonly part: string | undefined; readonly open: string | undefined }
  | { readonly is: "people" }
  | { readonly is: "inbox"; readonly tab: InboxTab }
  | { readonly is: "room"; readonly room: RoomId; readonly aside: Aside; readonly at: number | undefined };

/** Reads a fragment; what can't be read is home. */
export function parseRoute(hash: string): Route {
  const [where, id, what, number, , reply] = hash.replace(/^#\//, "").split("/");
  if (where === "admin") return { is: "admin", part: id || undefined, open: textOf(what) };
  if (where === "threads" || where === "people") return { is: where };
  if (where === "inbox") return { is: "inbox", tab: id === "saved" || id === "reminders" ? id : "mentions" };
  if (where !== "room" || !id) return { is: "home" };
  const room = roomId(id);
  if (!room) return { is: "home" };
  const seq = Number(number);
  const place = { is: "room", room, aside: undefined, at: undefined } as const;
  if (what === "members") return { ...place, aside: { is: "members" } };
  if (what === "pins" || what === "details") return { ...place, aside: { is: what } };
  if (!Number.isSafeInteger(seq) || seq < 1) return place;
  if (what === "thread") {
    const at = Number(reply);
    return {
      ...place,
      aside: { is: "thread", root: seq, at: Number.isSafeInteger(at) && at > 0 ? at : undefined },
    };
  }
  return what === "at" ? { ...place, at: seq } : place;
}

/** What a segment says; nothing where it can't be read. */
function textOf(segment: string | undefined): string | undefined {
  try {
    return segment ? decodeURIComponent(segment) : undefined;
  } catch {
    return undefined;
  }
}

/** The fragment of a place. */
export const hashOf = {
  home: () => "#/",
  threads: () => "#/threads",
  admin: (part?: string, open?: string) =>
    ["#/admin", part, open]
      .flatMap((it) => it ?? [])
      .map((it, at) => (at > 0 ? encodeURIComponent(it) : it))
      .join("/"),
  people: () => "#/people",
  inbox: (tab: InboxTab = "mentions") => `#/inbox/${tab}`,
  room: (room: RoomId) => `#/room/${room}`,
  thread: (room: RoomId, root: number, at?: number) =>
    `#/room/${room}/thread/${root}${at === undefined ? "" : `/at/${at}`}`,
  members: (room: RoomId) => `#/room/${room}/members`,
  pins: (room: RoomId) => `#/room/${room}/pins`,
  details: (room: RoomId) => `#/room/${room}/details`,
  message: (room: RoomId, seq: number) => `#/room/${room}/at/${seq}`,
};

/** Goes somewhere. */
export function go(hash: string, options: { replace?: boolean } = {}): void {
  const isHere = location.hash === hash;
  if (options.replace) history.replaceState(null, "", hash);
  else location.hash = hash;
  // The browser says nothing of these; a message that one goes to again is scrolled to again.
  if (options.replace || isHere) dispatchEvent(new HashChangeEvent("hashchange"));
}

function subscribe(onChange: () => void): () => void {
  addEventListener("hashchange", onChange);
  return () => removeEventListener("hashchange", onChange);
}

/** Where the user is. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}
