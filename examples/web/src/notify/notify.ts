/** Telling of mentions and direct messages while nobody looks: desktop notifications, the title, the tab's icon. */

import type { Client, Message, RoomId, RoomSummary } from "@parlour/client";
import { useEffect, useRef } from "react";
import { isLookedAt } from "../app/looked-at.ts";
import { go, hashOf } from "../app/route.ts";
import { text } from "../i18n/text.ts";
import { type Signed, useRooms, useSigned } from "../sdk/context.tsx";
import { prefs } from "../settings/prefs.ts";
import { summaryOf } from "../timeline/Quote.tsx";
import { isNews, loudCount } from "./news.ts";

/** Follows the rooms and tells of what is news. */
export function useNotifications(): void {
  const signed = useSigned();
  const rooms = useRooms();
  const before = useRef<ReadonlyMap<RoomId, RoomSummary>>(undefined);
  useEffect(() => {
    const last = before.current;
    before.current = new Map(rooms.map((room) => [room.id, room]));
    if (last && !isLookedAt() && prefs().notify) {
      for (const room of rooms) if (isNews(last.get(room.id), room, Date.now())) void tell(signed, room);
    }
    showCount(loudCount(rooms, Date.now()));
  }, [rooms, signed]);
  useOpenedFromNotification();
}

/** The page's title and icon. */
function showCount(count: number): void {
  document.title = count > 0 ? `(${count}) Parlour` : "Parlour";
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const wanted = count > 0 ? "./icon-badge.svg" : "./icon.svg";
  if (icon && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}

async function tell({ client, people }: Signed, room: RoomSummary): Promise<void> {
  const me = client.me && client.presence.people.current.get(client.me);
  if (me?.availability === "do-not-disturb") return;
  const message = await newest(client, room);
  if (!message || message.isOwn) return;
  const found = message.sender && (await client.users([message.sender])).get(message.sender);
  const name = found?.name ?? people.get(message.sender)?.name ?? "";
  const { t, language } = text();
  const title = room.isDirect ? name : t("notify.title", { name, room: room.name });
  const hash = hashOf.room(room.id);
  const options = {
    body: summaryOf(message, ""),
    tag: room.id,
    icon: "./icon-192.png",
    lang: language.tag,
    data: { hash },
  };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker?.active) return worker.showNotification(title, options);
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    go(hash);
  };
}

/** The room's newest unread message that means the user. */
async function newest(client: Client, room: RoomSummary): Promise<Message | undefined> {
  const timeline = await client.room(room.id).timeline();
  try {
    const isMeant = (it: Message) =>
      room.isDirect || it.mentionsEveryone || (client.me !== undefined && it.mentions.includes(client.me));
    const found = timeline.items.findLast(
      (it) =>
        it.type === "message" && !it.isOwn && !it.isDeleted && isMeant(it) && (it.seq ?? 0) > room.readSeq,
    );
    return found?.type === "message" ? found : undefined;
  } finally {
    timeline.close();
  }
}

/** The service worker says which notification was clicked. */
function useOpenedFromNotification(): void {
  useEffect(() => {
    const hear = ({ data }: MessageEvent<{ type?: string; hash?: string }>) => {
      if (data?.type === "open" && data.hash?.startsWith("#/")) go(data.hash);
    };
    navigator.serviceWorker?.addEventListener("message", hear);
    return () => navigator.serviceWorker?.removeEventListener("message", hear);
  }, []);
}
