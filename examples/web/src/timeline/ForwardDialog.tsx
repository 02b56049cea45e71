/** Sending a message on to another room or person. */

import type { Message, RoomSummary } from "@parlour/client";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { matchRooms } from "../rooms/match.ts";
import { useRoomNaming } from "../rooms/names.ts";
import { useClient, useRooms } from "../sdk/context.tsx";
import { PresentAvatar, RoomIcon } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { toast } from "../ui/toast.tsx";
import { summaryOf } from "./Quote.tsx";
import { useScope } from "./scope.tsx";

const SHOWN_MAX = 30;

/** The dialog. Several rooms may be chosen. */
export default function ForwardDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t, language } = useText();
  const client = useClient();
  const scope = useScope();
  const rooms = useRooms();
  const nameOf = useRoomNaming(rooms);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<readonly RoomSummary[]>([]);
  const open = rooms.filter((room) => !room.isArchived);
  const found = matchRooms(open, nameOf, query, SHOWN_MAX);
  const toggle = (room: RoomSummary) =>
    setChosen((before) =>
      before.some(({ id }) => id === room.id) ? before.filter(({ id }) => id !== room.id) : [...before, room],
    );
  const send = async () => {
    onClose();
    try {
      for (const { id } of chosen) await message.forward(client.room(id));
      const name = new Intl.ListFormat(language.tag, { type: "conjunction" }).format(chosen.map(nameOf));
      toast(t("forward.done", { name }));
    } catch (error) {
      scope.fail(error);
    }
  };
  return (
    <Dialog
      title={t("forward.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="main" disabled={chosen.length === 0} onClick={() => void send()}>
            {t("action.forward")}
          </Button>
        </>
      }
    >
      <blockquote className="delete-quote" dir="auto">
        {summaryOf(message, t("attachment.unnamed"))}
      </blockquote>
      <SearchField
        isFirst
        label={t("forward.search")}
        value={query}
        onChange={setQuery}
        onEnter={() => {
          if (!found[0]) return;
          toggle(found[0]);
          setQuery("");
        }}
      />
      <ul className="people-list" aria-label={t("nav.rooms")}>
        {found.map((room) => (
          <li key={room.id}>
            <button
              type="button"
              className="person-row forward-row"
              aria-pressed={chosen.some(({ id }) => id === room.id)}
              onClick={() => toggle(room)}
            >
              {room.isDirect ? (
                <PresentAvatar id={room.peer} size={28} />
              ) : (
                <RoomIcon kind={room.kind} size={18} />
              )}
              <bdi className="person-name">{nameOf(room)}</bdi>
              <span className="forward-mark" aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="empty-line">{t("switch.none")}</p>}
    </Dialog>
  );
}
