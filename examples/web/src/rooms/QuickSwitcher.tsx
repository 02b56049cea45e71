/** Going somewhere by typing: rooms first, then people. */

import type { RoomSummary, User } from "@parlour/client";
import { type KeyboardEvent, useId, useState } from "react";
import { useText } from "../i18n/text.ts";
import { usePeopleSearch } from "../people/search.ts";
import { useClient, useRooms } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Avatar, PresentAvatar, RoomIcon } from "../ui/Avatar.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { matchRooms } from "./match.ts";
import { useRoomNaming } from "./names.ts";
import { Badge, openRoom } from "./RoomRow.tsx";

const SHOWN_MAX = 9;

type Entry = { type: "room"; room: RoomSummary } | { type: "person"; user: User };

/** The palette. */
export function QuickSwitcher({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const rooms = useRooms();
  const nameOf = useRoomNaming(rooms);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const { people } = usePeopleSearch(query.trim());
  const found = matchRooms(rooms, nameOf, query, SHOWN_MAX);
  const peers = new Set(rooms.flatMap(({ peer }) => peer ?? []));
  const others = query.trim() ? people.filter(({ id }) => id !== client.me && !peers.has(id)) : [];
  const entries: Entry[] = [
    ...found.map((room) => ({ type: "room" as const, room })),
    ...others.map((user) => ({ type: "person" as const, user })),
  ].slice(0, SHOWN_MAX);

  const open = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    if (entry.type === "room") openRoom(entry.room.id);
    else
      client.openDirect(entry.user.id).then(
        (room) => openRoom(room.id),
        (error: unknown) => toast(failureText(error, t)),
      );
  };
  const handleKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setChosen((chosen + step + entries.length) % Math.max(entries.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(entries[chosen]);
    }
  };
  return (
    <Dialog title={t("switch.title")} onClose={onClose} isBare className="switcher">
      <input
        className="switcher-field"
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={entries.length > 0 ? `${listId}-${chosen}` : undefined}
        aria-label={t("switch.title")}
        data-autofocus
        placeholder={t("switch.placeholder")}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setChosen(0);
        }}
        onKeyDown={handleKey}
      />
      <div id={listId} role="listbox" aria-label={t("switch.title")} className="switcher-list">
        {entries.map((entry, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are the field's.
          <div
            key={entry.type === "room" ? entry.room.id : entry.user.id}
            id={`${listId}-${at}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === chosen}
            className="offer"
            onClick={() => open(entry)}
          >
            <EntryView entry={entry} name={entry.type === "room" ? nameOf(entry.room) : entry.user.name} />
          </div>
        ))}
      </div>
      {entries.length === 0 && <p className="switcher-none">{t("switch.none")}</p>}
    </Dialog>
  );
}

function EntryView({ entry, name }: { entry: Entry; name: string }) {
  if (entry.type === "person") {
    const { id, profile, subject } = entry.user;
    return (
      <>
        <Avatar id={id} user={entry.user} size={24} />
        <bdi className="offer-label">{name}</bdi>
        <bdi className="offer-detail">{profile.title || `@${profile.handle ?? subject}`}</bdi>
      </>
    );
  }
  const { room } = entry;
  return (
    <>
      {room.isDirect ? <PresentAvatar id={room.peer} size={24} /> : <RoomIcon kind={room.kind} size={18} />}
      <bdi className="offer-label">{name}</bdi>
      <bdi className="offer-detail">{room.topic}</bdi>
      {room.unread > 0 && <Badge count={room.unread} isLoud={room.isDirect || room.mentions > 0} />}
    </>
  );
}
