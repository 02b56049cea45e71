/** A room in the list: its name, what is unread, who is typing. */

import type { RoomId, RoomSummary } from "@parlour/client";
import { fieldOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import * as Context from "@radix-ui/react-context-menu";
import { BellOff, Check, Link, PencilLine, Star, StarOff } from "lucide-react";
import { memo, type ReactNode } from "react";
import { go, hashOf } from "../app/route.ts";
import { useText } from "../i18n/text.ts";
import { useDrafts } from "../later/lists.ts";
import { StatusMark, useStatus } from "../people/status.tsx";
import { useMe, useSigned } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { PresentAvatar, RoomIcon } from "../ui/Avatar.tsx";
import { toast } from "../ui/toast.tsx";
import { useRoomName } from "./names.ts";

/** Muted until then counts as for good. */
const FOREVER_MS = 8.64e15 / 10;

/** Whether nothing of it is told of now. */
export function isMuted(room: RoomSummary): boolean {
  return (room.settings?.mutedUntilMs ?? 0) > Date.now();
}

/** The row. */
export const RoomRow = memo(function RoomRow({
  room,
  depth,
  isHere,
}: {
  room: RoomSummary;
  depth: number;
  isHere: boolean;
}) {
  const { t } = useText();
  const me = useMe();
  const name = useRoomName(room);
  const status = useStatus(room.peer);
  const isTyping = room.typing.some((id) => id !== me);
  const isQuiet = isMuted(room);
  const isBegun = useDrafts().items.some((it) => it.room === room.id && !it.draft.threadRoot);
  const unread = room.unread + room.threadUnread;
  const mentions = room.mentions + room.threadMentions;
  const isLoud = room.isDirect ? room.unread > 0 : mentions > 0;
  const looks = [
    "room",
    isHere && "room-here",
    unread > 0 && !isQuiet && "room-unread",
    isQuiet && "room-muted",
  ];
  return (
    <RoomMenu room={room}>
      <a
        className={looks.filter(Boolean).join(" ")}
        href={hashOf.room(room.id)}
        aria-current={isHere ? "page" : undefined}
        style={{ paddingInlineStart: `calc(var(--room-inset) + ${Math.min(depth, 4) * 14}px)` }}
      >
        {room.isDirect ? (
          <PresentAvatar id={room.peer} size={22} />
        ) : (
          <RoomIcon kind={room.kind} isArchived={room.isArchived} />
        )}
        <bdi className="room-name">{name}</bdi>
        {status && <StatusMark status={status} className="room-status" />}
        {isTyping && (
          <span className="typing-dots" role="img" aria-label={t("room.typing")}>
            <i />
            <i />
            <i />
          </span>
        )}
        {isBegun && !isHere && <PencilLine size={13} className="draft-mark" aria-label={t("draft.mark")} />}
        {isQuiet && <BellOff size={13} className="room-icon" aria-label={t("room.muted")} />}
        {unread > 0 && (
          <Badge count={isLoud ? (room.isDirect ? unread : mentions) : unread} isLoud={isLoud && !isQuiet} />
        )}
      </a>
    </RoomMenu>
  );
});

const COUNT_MAX = 99;

/** How many are unread; loud where the user is meant. */
export function Badge({ count, isLoud }: { count: number; isLoud: boolean }) {
  const { t, language } = useText();
  const shown = Math.min(count, COUNT_MAX).toLocaleString(language.tag) + (count > COUNT_MAX ? "+" : "");
  return (
    <span className={`badge ${isLoud ? "badge-loud" : ""}`}>
      <span aria-hidden>{shown}</span>
      <span className="visually-hidden">{t(isLoud ? "badge.mentions" : "badge.unread", { n: count })}</span>
    </span>
  );
}

function RoomMenu({ room, children }: { room: RoomSummary; children: ReactNode }) {
  const { t } = useText();
  const { client } = useSigned();
  const { level = 0, mutedUntilMs = 0, favourite = false, section = "" } = room.settings ?? {};
  const isQuiet = isMuted(room);
  const set = (change: { favourite?: boolean; mutedUntilMs?: number }) => {
    const settings = { level, mutedUntilMs, favourite, section, ...change };
    client
      .call(rpc.SetRoomSettings, { room: fieldOf(room.id), settings })
      .catch((error: unknown) => toast(failureText(error, t)));
  };
  const star = () => set({ favourite: !favourite });
  return (
    <Context.Root modal={false}>
      <Context.Trigger asChild>{children}</Context.Trigger>
      <Context.Portal>
        <Context.Content className="menu" collisionPadding={8}>
          <Context.Item className="menu-item" onSelect={() => client.room(room.id).markRead()}>
            <Check size={16} aria-hidden /> {t("room.mark-read")}
          </Context.Item>
          <Context.Item className="menu-item" onSelect={star}>
            {favourite ? <StarOff size={16} aria-hidden /> : <Star size={16} aria-hidden />}
            {t(favourite ? "room.unfavourite" : "room.favourite")}
          </Context.Item>
          <Context.Item
            className="menu-item"
            onSelect={() => set({ mutedUntilMs: isQuiet ? 0 : FOREVER_MS })}
          >
            <BellOff size={16} aria-hidden /> {t(isQuiet ? "room.unmute" : "room.mute")}
          </Context.Item>
          <Context.Item className="menu-item" onSelect={() => void copyLink(room.id)}>
            <Link size={16} aria-hidden /> {t("action.copy-link")}
          </Context.Item>
        </Context.Content>
      </Context.Portal>
    </Context.Root>
  );
}

async function copyLink(room: RoomId): Promise<void> {
  await navigator.clipboard.writeText(location.href.split("#")[0] + hashOf.room(room));
}

/** Goes to a room. */
export function openRoom(room: RoomId): void {
  go(hashOf.room(room));
}
