/** The list of rooms in sections: what stands where, and in which order. Pure. */

import type { RoomId, RoomSummary } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import type { Key } from "../i18n/text.ts";

/** A heading and its rooms. */
export interface Section {
  readonly id: string;
  /** A text of the catalogue, or the user's own word. */
  readonly label: { readonly key: Key } | { readonly own: string };
  readonly rooms: readonly Placed[];
}

/** A room, and how deep it stands under others. */
export interface Placed {
  readonly room: RoomSummary;
  readonly depth: number;
}

/** Sections as the user has them: favourites, own sections, directs, groups, the organization's rooms. */
export function sectionsOf(
  rooms: readonly RoomSummary[],
  nameOf: (room: RoomSummary) => string,
  tag: string,
): Section[] {
  const collator = new Intl.Collator(tag, { sensitivity: "base", numeric: true });
  const byName = (some: RoomSummary[]) => flat(some.sort((a, b) => collator.compare(nameOf(a), nameOf(b))));
  const rest: RoomSummary[] = [];
  const favourites: RoomSummary[] = [];
  const own = new Map<string, RoomSummary[]>();
  for (const room of rooms) {
    const section = room.settings?.section;
    if (room.settings?.favourite) favourites.push(room);
    else if (section) own.set(section, [...(own.get(section) ?? []), room]);
    else rest.push(room);
  }
  const named = [...own].sort(([a], [b]) => collator.compare(a, b));
  const all: Section[] = [
    { id: "favourites", label: { key: "section.favourites" }, rooms: byName(favourites) },
    ...named.map(([name, some]) => ({ id: `own-${name}`, label: { own: name }, rooms: byName(some) })),
    {
      id: "groups",
      label: { key: "section.groups" },
      rooms: byName(rest.filter(({ kind }) => kind === RoomKind.GROUP)),
    },
    {
      id: "directs",
      label: { key: "section.directs" },
      rooms: flat(rest.filter((it) => it.isDirect || it.kind === RoomKind.USER)),
    },
    {
      id: "organization",
      label: { key: "section.organization" },
      rooms: treeOf(rest.filter(isOfDirectory), collator, nameOf),
    },
  ];
  return all.filter(
    (section) => section.rooms.length > 0 || section.id === "groups" || section.id === "directs",
  );
}

function isOfDirectory({ kind }: RoomSummary): boolean {
  return kind >= RoomKind.ORGANIZATION || kind === RoomKind.UNSPECIFIED;
}

function flat(rooms: readonly RoomSummary[]): Placed[] {
  return rooms.map((room) => ({ room, depth: 0 }));
}

/** Rooms of the directory below those they belong to. */
function treeOf(
  rooms: readonly RoomSummary[],
  collator: Intl.Collator,
  nameOf: (room: RoomSummary) => string,
): Placed[] {
  const here = new Set(rooms.map(({ id }) => id));
  const below = new Map<RoomId | undefined, RoomSummary[]>();
  for (const room of [...rooms].sort((a, b) => a.kind - b.kind || collator.compare(nameOf(a), nameOf(b)))) {
    const parent = room.parent && here.has(room.parent) ? room.parent : undefined;
    below.set(parent, [...(below.get(parent) ?? []), room]);
  }
  const placed: Placed[] = [];
  const place = (parent: RoomId | undefined, depth: number) => {
    for (const room of below.get(parent) ?? []) {
      if (placed.some((it) => it.room.id === room.id)) continue;
      placed.push({ room, depth });
      place(room.id, depth + 1);
    }
  };
  place(undefined, 0);
  return placed;
}
