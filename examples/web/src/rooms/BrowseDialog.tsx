/** Open rooms: to look around in, and to join. */

import type { RoomId } from "@parlour/client";
import { fieldOf, idOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useClient } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { RoomIcon } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Failure } from "../ui/Failure.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { openRoom } from "./RoomRow.tsx";

const PAGES_MAX = 20;

interface Open {
  id: RoomId;
  kind: number;
  name: string;
  topic: string;
  memberCount: number;
  isJoined: boolean;
}

/** The dialog. */
export function BrowseDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const { rooms, failure, setFailure } = useOpenRooms();
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLocaleLowerCase();
  const shown = rooms?.filter(({ name, topic }) => `${name} ${topic}`.toLocaleLowerCase().includes(wanted));
  const enter = async (room: Open) => {
    try {
      if (!room.isJoined) await client.call(rpc.JoinRoom, { room: fieldOf(room.id) });
      onClose();
      openRoom(room.id);
    } catch (error) {
      setFailure(failureText(error, t));
    }
  };
  return (
    <Dialog title={t("open.browse")} onClose={onClose} className="dialog-wide">
      {failure && <Failure text={failure} />}
      <SearchField isFirst label={t("browse.search")} value={query} onChange={setQuery} />
      <ul className="open-rooms">
        {shown?.map((room) => (
          <li key={room.id} className="open-room">
            <RoomIcon kind={room.kind} size={18} />
            <span className="person-names">
              <bdi className="person-name">{room.name}</bdi>
              <bdi className="person-detail">
                {[t("members.count", { n: room.memberCount }), room.topic].filter(Boolean).join(" · ")}
              </bdi>
            </span>
            <Button look={room.isJoined ? "plain" : "main"} onClick={() => void enter(room)}>
              {t(room.isJoined ? "browse.open" : "browse.join")}
            </Button>
          </li>
        ))}
      </ul>
      {!failure && !shown && <p className="empty-line">{t("state.loading")}</p>}
      {shown?.length === 0 && <p className="empty-line">{t("browse.none")}</p>}
    </Dialog>
  );
}

function useOpenRooms() {
  const { t, language } = useText();
  const client = useClient();
  const [rooms, setRooms] = useState<readonly Open[]>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const ended = new AbortController();
    const read = async () => {
      const all: Open[] = [];
      let page = new Uint8Array(0);
      for (let at = 0; at < PAGES_MAX; at++) {
        const answer = await client.call(
          rpc.ListOpenRooms,
          { page, pageSize: 100 },
          { signal: ended.signal },
        );
        for (const { room, joined } of answer.rooms) {
          const id = idOf(room?.id);
          if (id && room)
            all.push({
              id,
              kind: room.kind,
              name: room.name,
              topic: room.topic,
              memberCount: room.memberCount,
              isJoined: joined,
            });
        }
        page = answer.nextPage as Uint8Array<ArrayBuffer>;
        if (page.length === 0) break;
      }
      setRooms(all.sort((a, b) => a.name.localeCompare(b.name, language.tag)));
    };
    read().catch((error: unknown) => {
      if (!ended.signal.aborted) setFailure(failureText(error, t));
    });
    return () => ended.abort();
  }, [client, t, language]);
  return { rooms, failure, setFailure };
}
