/** What the user has kept for themselves: saved messages and reminders, the same on all their devices. */

import type { Client, Message, Room } from "@parlour/client";
import { timelineAround } from "@parlour/client/history";
import { type Listed, type SavedMessage, SavedMessages } from "@parlour/client/inbox";
import { type Reminder, Reminders } from "@parlour/client/schedule";
import { BookmarkX, Check, Clock } from "lucide-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { hashOf } from "../app/route.ts";
import { dayOf, timeOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useClient } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { messageAt } from "../timeline/place.ts";
import { summaryOf } from "../timeline/Quote.tsx";
import { IconButton } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";
import { Empty, MessageCard } from "./InboxView.tsx";

const NOTHING: readonly never[] = [];
const silent = () => () => undefined;

/** A list that the server keeps, open for as long as a component looks at it. */
function useKept<T, L extends Listed<T>>(open: (client: Client) => Promise<L>) {
  const { t } = useText();
  const client = useClient();
  const [list, setList] = useState<L>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let opened: L | undefined;
    let isOver = false;
    open(client).then(
      (it) => {
        opened = it;
        if (isOver) it.close();
        else setList(it);
      },
      (error: unknown) => !isOver && setFailure(failureText(error, t)),
    );
    return () => {
      isOver = true;
      opened?.close();
    };
  }, [client, open, t]);
  const items = useSyncExternalStore(list?.subscribe ?? silent, () => list?.items ?? NOTHING);
  return { list, items, failure };
}

/** A message that may be far from the end of its room. */
function useMessageAt(room: Room, seq: number): Message | undefined {
  const [message, setMessage] = useState<Message>();
  useEffect(() => {
    let isOver = false;
    timelineAround(room, seq, { limit: 1 }).then(
      (excerpt) => {
        if (!isOver) setMessage(messageAt(excerpt.items, seq));
        excerpt.close();
      },
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [room, seq]);
  return message;
}

const openSaved = (client: Client) => SavedMessages.open(client);

/** Messages that are saved. */
export function SavedList() {
  const { t } = useText();
  const { list, items, failure } = useKept<SavedMessage, SavedMessages>(openSaved);
  const drop = ({ room, seq }: SavedMessage) =>
    void list?.unsave(room, seq).catch((error: unknown) => toast(failureText(error, t)));
  if (failure) return <p className="empty-line">{failure}</p>;
  if (!list) return <p className="empty-line">{t("state.loading")}</p>;
  if (items.length === 0) return <Empty title={t("saved.none")} why={t("saved.none-why")} />;
  return (
    <ul className="inbox-list">
      {items.map((saved) => (
        <li key={`${saved.room}-${saved.seq}`}>
          <SavedCard saved={saved} onDrop={() => drop(saved)} />
        </li>
      ))}
    </ul>
  );
}

function SavedCard({ saved, onDrop }: { saved: SavedMessage; onDrop: () => void }) {
  const { t } = useText();
  const client = useClient();
  const room = useMemo(() => client.room(saved.room), [client, saved.room]);
  const message = useMessageAt(room, saved.seq);
  return (
    <MessageCard
      room={room}
      href={hashOf.message(saved.room, saved.seq)}
      sender={message?.sender}
      atMs={message?.atMs ?? saved.savedAtMs}
      text={saved.isGone ? t("saved.gone") : summaryOf(message, "…")}
      tools={<IconButton icon={BookmarkX} label={t("saved.drop")} onClick={onDrop} />}
    />
  );
}

const openReminders = (client: Client) => Reminders.open(client);

/** Reminders: those that are due first. */
export function RemindersList() {
  const { t } = useText();
  const { list, items, failure } = useKept<Reminder, Reminders>(openReminders);
  const drop = ({ id }: Reminder) =>
    void list?.delete(id).catch((error: unknown) => toast(failureText(error, t)));
  if (failure) return <p className="empty-line">{failure}</p>;
  if (!list) return <p className="empty-line">{t("state.loading")}</p>;
  if (items.length === 0) return <Empty title={t("reminders.none")} why={t("reminders.none-why")} />;
  const sorted = items.toSorted((a, b) => Number(b.isDue) - Number(a.isDue) || a.atMs - b.atMs);
  return (
    <ul className="inbox-list">
      {sorted.map((reminder) => (
        <li key={reminder.id} className="reminder">
          <p className="reminder-when" data-due={reminder.isDue || undefined}>
            <Clock size={14} aria-hidden />
            {t(reminder.isDue ? "reminders.due" : "reminders.waits", {
              when: `${dayOf(reminder.atMs)}, ${timeOf(reminder.atMs)}`,
            })}
            <IconButton icon={Check} label={t("reminders.drop")} onClick={() => drop(reminder)} />
          </p>
          {reminder.text && <p dir="auto">{reminder.text}</p>}
          {reminder.about && <About about={reminder.about} />}
        </li>
      ))}
    </ul>
  );
}

function About({ about }: { about: NonNullable<Reminder["about"]> }) {
  const client = useClient();
  const room = useMemo(() => client.room(about.room), [client, about.room]);
  const message = useMessageAt(room, about.seq);
  return (
    <MessageCard
      room={room}
      href={hashOf.message(about.room, about.seq)}
      sender={message?.sender}
      atMs={message?.atMs}
      text={summaryOf(message, "…")}
    />
  );
}
