/** The pinned messages of a room, beside it. */

import type { RoomSummary, UserId } from "@parlour/client";
import {
  decode,
  fieldOf,
  idOf,
  type ListPinsItem,
  MessageEdited,
  MessagePosted,
} from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { PinOff } from "lucide-react";
import { useEffect, useState } from "react";
import { AsidePanel } from "../app/AsidePanel.tsx";
import { go, hashOf } from "../app/route.ts";
import { momentOf, shortOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import { useClient, usePerson } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { IconButton } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";

const EDITED = 11;

interface Pinned {
  seq: number;
  sender: UserId | undefined;
  atMs: number;
  text: string;
}

/** The panel. */
export function PinsPanel({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const { pins, drop } = usePins(summary);
  return (
    <AsidePanel title={t("pins.title")} room={summary.id}>
      <div className="aside-scroll">
        {pins?.map((pin) => (
          <PinView key={pin.seq} pin={pin} summary={summary} onDrop={() => drop(pin.seq)} />
        ))}
        {!pins && <p className="empty-line">{t("state.loading")}</p>}
        {pins?.length === 0 && <p className="empty-line">{t("pins.none")}</p>}
      </div>
    </AsidePanel>
  );
}

function PinView({ pin, summary, onDrop }: { pin: Pinned; summary: RoomSummary; onDrop: () => void }) {
  const { t } = useText();
  const sender = usePerson(pin.sender);
  return (
    <article className="pin">
      <header>
        <Avatar id={pin.sender} size={24} />
        <bdi className="person-name">{sender?.name}</bdi>
        <time title={momentOf(pin.atMs)}>{shortOf(pin.atMs)}</time>
        <IconButton icon={PinOff} size={15} label={t("action.unpin")} onClick={onDrop} />
      </header>
      <div className="text" dir="auto">
        <Markdown text={pin.text} marks={[]} />
      </div>
      <button type="button" className="link-button" onClick={() => go(hashOf.message(summary.id, pin.seq))}>
        {t("pins.jump")}
      </button>
    </article>
  );
}

function usePins(summary: RoomSummary) {
  const { t } = useText();
  const client = useClient();
  const [pins, setPins] = useState<readonly Pinned[]>();
  const { id, lastSeq } = summary;
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever happens in the room may be a pin.
  useEffect(() => {
    const ended = new AbortController();
    client.call(rpc.ListPins, { room: fieldOf(id) }, { signal: ended.signal }).then(
      (items) => setPins(pinnedOf(items)),
      () => undefined,
    );
    return () => ended.abort();
  }, [client, id, lastSeq]);
  const drop = (seq: number) => {
    client
      .room(id)
      .unpin(seq)
      .then(() => setPins((before) => before?.filter((pin) => pin.seq !== seq)))
      .catch((error: unknown) => toast(failureText(error, t)));
  };
  return { pins, drop };
}

/** The messages of the answer as they are now. The SDK has no method for it yet, nor a way to fold edits in. */
function pinnedOf(items: readonly ListPinsItem[]): Pinned[] {
  const events = items.flatMap((item) => item.events);
  const edits = items.flatMap((item) => item.amendments).filter(({ header }) => header?.kind === EDITED);
  return events.flatMap(({ header, body }) => {
    if (!header) return [];
    const edit = edits
      .filter((it) => it.header?.targetSeq === header.seq)
      .sort((a, b) => (b.header?.seq ?? 0) - (a.header?.seq ?? 0))[0];
    const posted = decode(MessagePosted, body);
    const text = edit ? decode(MessageEdited, edit.body).text : posted.text || posted.poll?.question || "";
    return [{ seq: header.seq, sender: idOf<UserId>(header.sender), atMs: header.atMs, text }];
  });
}
