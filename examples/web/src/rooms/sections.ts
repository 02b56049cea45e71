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
  const collator = collatorOf(tag);
  const rank = ranksOf(rooms, nameOf, collator);
  const compare = (a: RoomSummary, b: RoomSummary) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0);
  const byName = (some: RoomSummary[]) => flat(some.sort(compare));
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
      rooms: treeOf(rest.filter(isOfDirectory), compare),
    },
  ];
  return all.filter(
    (section) => section.rooms.length > 0 || section.id === "groups" || section.id === "directs",
  );
}

const collators = new Map<string, Intl.Collator>();

function collatorOf(tag: string): Intl.Collator {
  const collator = collators.get(tag) ?? new Intl.Collator(tag, { sensitivity: "base", numeric: true });
  collators.set(tag, collator);
  return collator;
}

/** The order of names that was found last. Each event makes a new list of rooms, and hardly any changes a name. */
let last:
  | { collator: Intl.Collator; names: ReadonlyMap<RoomId, string>; ranks: ReadonlyMap<RoomId, number> }
  | undefined;

/** Each room's place among the names of all. Comparing thousands of names as people do takes a tenth of a second. */
function ranksOf(
  rooms: readonly RoomSummary[],
  nameOf: (room: RoomSummary) => string,
  collator: Intl.Collator,
): ReadonlyMap<RoomId, number> {
  const isSame =
    last?.collator === collator &&
    last.names.size === rooms.length &&
    rooms.every((room) => last?.names.get(room.id) === nameOf(room));
  if (last && isSame) return last.ranks;
  const names = new Map(rooms.map((room) => [room.id, nameOf(room)]));
  const sorted = [...names].sort(([, a], [, b]) => collator.compare(a, b));
  last = { collator, names, ranks: new Map(sorted.map(([id], at) => [id, at])) };
  return last.ranks;
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
  compare: (a: RoomSummary, b: RoomSummary) => number,
): Placed[] {
  const here = new Set(rooms.map(({ id }) => id));
  const below = new Map<RoomId | undefined, RoomSummary[]>();
  for (const room of [...rooms].sort((a, b) => a.kind - b.kind || compare(a, b))) {
    const parent = room.parent && here.has(room.parent) ? room.parent : undefined;
    below.set(parent, [...(below.get(parent) ?? []), room]);
  }
  const placed: Placed[] = [];
  const known = new Set<RoomId>();
  const place = (parent: RoomId | undefined, depth: number) => {
    for (const room of below.get(parent) ?? []) {
      if (known.has(room.id)) continue;
      known.add(room.id);
      placed.push({ room, depth });
      place(room.id, depth + 1);
    }
  };
  place(undefined, 0);
  return placed;
}
