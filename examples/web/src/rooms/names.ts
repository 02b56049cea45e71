/** What a room is called: by its name, or a direct room by the other user. */

import type { RoomSummary } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import { useCallback } from "react";
import { useText } from "../i18n/text.ts";
import { usePerson, usePersons, useSigned } from "../sdk/context.tsx";

/** The name of one room. */
export function useRoomName(room: RoomSummary | undefined): string {
  const { t } = useText();
  const peer = usePerson(room?.peer);
  if (!room) return "";
  if (room.kind === RoomKind.USER) return room.name || t("room.private");
  return room.isDirect ? (peer?.name ?? t("person.unknown")) : room.name || t("room.unnamed");
}

/** Names any of these rooms; draws anew when a peer's name has come. */
export function useRoomNaming(rooms: readonly RoomSummary[]): (room: RoomSummary) => string {
  const { t } = useText();
  const { people } = useSigned();
  const known = usePersons(rooms.flatMap(({ peer }) => peer ?? []));
  // biome-ignore lint/correctness/useExhaustiveDependencies: who is known decides what rooms are called.
  return useCallback(
    (room) => {
      if (room.kind === RoomKind.USER) return room.name || t("room.private");
      return room.isDirect
        ? (people.get(room.peer)?.name ?? t("person.unknown"))
        : room.name || t("room.unnamed");
    },
    [people, known, t],
  );
}
