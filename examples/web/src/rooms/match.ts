/** Finding rooms by a few letters. Pure. */

import type { RoomSummary } from "@parlour/client";

/** Rooms that fit, best first; without a query those with something unread, then the newest. */
export function matchRooms(
  rooms: readonly RoomSummary[],
  nameOf: (room: RoomSummary) => string,
  query: string,
  max: number,
): RoomSummary[] {
  const wanted = fold(query.trim());
  const ranked = rooms.flatMap((room) => {
    const rank = wanted ? rankOf(fold(nameOf(room)), wanted) : restRank(room);
    return rank === undefined ? [] : [{ room, rank }];
  });
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, max)
    .map(({ room }) => room);
}

function restRank(room: RoomSummary): number {
  if (room.mentions > 0 || (room.isDirect && room.unread > 0)) return 0;
  return room.unread > 0 ? 1 : 2;
}

/** Lower is better: the beginning of the name, of a word, within, or all letters in their order. */
function rankOf(name: string, wanted: string): number | undefined {
  if (name.startsWith(wanted)) return 0;
  if (name.split(/[\s\-_./]+/).some((word) => word.startsWith(wanted))) return 1;
  if (name.includes(wanted)) return 2;
  let at = 0;
  for (const letter of name) if (letter === wanted[at]) at += 1;
  return at === wanted.length ? 3 : undefined;
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
