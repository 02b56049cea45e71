/** What waits for the user: mentions, followed threads, what they have saved, and reminders. */

import type { Room } from "@parlour/client";
import { type Mention, type MentionsPage, markAllRead, mentions } from "@parlour/client/inbox";
import { AtSign, CheckCheck } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { PaneHead } from "../app/PaneHead.tsx";
import { hashOf, type InboxTab } from "../app/route.ts";
import { momentOf, shortOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useRoomName } from "../rooms/names.ts";
import { useAction } from "../sdk/action.ts";
import { useClient, usePerson, useRoomSummary, useRooms } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { summaryOf } from "../timeline/Quote.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";
import { RemindersList, SavedList } from "./KeptLists.tsx";
import "../styles/inbox.css";

const TABS: readonly InboxTab[] = ["mentions", "saved", "reminders"];

/** The view. */
export function InboxView({ tab }: { tab: InboxTab }) {
  const { t } = useText();
  return (
    <main className="pane" aria-label={t("inbox.title")}>
      <PaneHead title={t("inbox.title")}>
        <ReadAll />
      </PaneHead>
      <nav className="inbox-tabs" aria-label={t("inbox.title")}>
        {TABS.map((it) => (
          <a key={it} href={hashOf.inbox(it)} aria-current={it === tab ? "page" : undefined}>
            {t(`inbox.${it}`)}
          </a>
        ))}
        <a href={hashOf.threads()}>{t("threads.title")}</a>
      </nav>
      <div className="inbox">
        {tab === "mentions" && <Mentions />}
        {tab === "saved" && <SavedList />}
        {tab === "reminders" && <RemindersList />}
      </div>
    </main>
  );
}

function ReadAll() {
  const { t } = useText();
  const client = useClient();
  const rooms = useRooms();
  const { isBusy, run } = useAction();
  const isUnread = rooms.some(({ unread, threadUnread }) => unread + threadUnread > 0);
  const read = async () => {
    const isDone = await run(() => markAllRead(client));
    toast(t(isDone ? "inbox.all-read" : "error.unknown"));
  };
  return (
    <Button className="inbox-read" disabled={isBusy || !isUnread} onClick={() => void read()}>
      <CheckCheck size={16} aria-hidden /> <span>{t("inbox.read-all")}</span>
    </Button>
  );
}

function Mentions() {
  const { t } = useText();
  const [isUnreadOnly, setUnreadOnly] = useState(false);
  const { found, failure, more } = useMentions(isUnreadOnly);
  return (
    <>
      <label className="check">
        <input
          type="checkbox"
          checked={isUnreadOnly}
          onChange={(event) => setUnreadOnly(event.target.checked)}
        />{" "}
        {t("inbox.unread-only")}
      </label>
      {failure && <p className="empty-line">{failure}</p>}
      {!found && !failure && <p className="empty-line">{t("state.loading")}</p>}
      {found?.length === 0 && <Empty title={t("inbox.no-mentions")} why={t("inbox.no-mentions-why")} />}
      <ul className="inbox-list">
        {found?.map((mention) => (
          <li key={`${mention.room.id}-${mention.message.key}`}>
            <MentionCard mention={mention} />
          </li>
        ))}
      </ul>
      {more && (
        <Button onClick={more} className="inbox-more">
          {t("inbox.more")}
        </Button>
      )}
    </>
  );
}

function MentionCard({ mention: { room, message, isUnread } }: { mention: Mention }) {
  // Read since the list came, here or on another device. Of threads the list alone says so.
  const readSeq = useRoomSummary(room.id)?.readSeq ?? 0;
  const isReadSince = !message.threadRoot && (message.seq ?? 0) <= readSeq;
  return (
    <MessageCard
      room={room}
      href={hashOf.message(room.id, message.seq ?? 0)}
      sender={message.sender}
      atMs={message.atMs}
      text={summaryOf(message, "…")}
      isUnread={isUnread && !isReadSince}
    />
  );
}

interface CardProps {
  room: Room;
  href: string;
  sender: Parameters<typeof usePerson>[0];
  atMs: number | undefined;
  text: string;
  isUnread?: boolean;
  tools?: ReactNode;
}

/** A message somewhere else, as a way there. */
export function MessageCard({ room, href, sender, atMs, text, isUnread = false, tools }: CardProps) {
  const { t } = useText();
  const person = usePerson(sender);
  const name = useRoomName(useRoomSummary(room.id));
  return (
    <article className="inbox-card" data-unread={isUnread || undefined}>
      <a href={href}>
        {sender ? <Avatar id={sender} size={32} /> : <span className="inbox-gap" />}
        <span className="inbox-words">
          <span className="inbox-head">
            <bdi className="person-name">{person?.name ?? ""}</bdi>
            <bdi className="person-detail">{name}</bdi>
            {atMs !== undefined && <time title={momentOf(atMs)}>{shortOf(atMs)}</time>}
            {isUnread && <span className="visually-hidden">{t("inbox.unread")}</span>}
          </span>
          <span className="inbox-text" dir="auto">
            {text}
          </span>
        </span>
      </a>
      {tools}
    </article>
  );
}

/** Nothing here yet, and why. */
export function Empty({ title, why }: { title: string; why: string }) {
  return (
    <div className="empty">
      <AtSign size={32} strokeWidth={1.25} aria-hidden />
      <h2>{title}</h2>
      <p>{why}</p>
    </div>
  );
}

/** Asked for again when somebody mentions the user, or they have read. */
function useMentions(unreadOnly: boolean) {
  const { t } = useText();
  const client = useClient();
  const rooms = useRooms();
  const [pages, setPages] = useState<readonly MentionsPage[]>();
  const [failure, setFailure] = useState<string>();
  const moved = rooms.map((room) => room.mentions + room.threadMentions).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another count is another list.
  useEffect(() => {
    const ended = new AbortController();
    mentions(client, { unreadOnly }, { signal: ended.signal }).then(
      (page) => setPages([page]),
      (error: unknown) => {
        if (!ended.signal.aborted) setFailure(failureText(error, t));
      },
    );
    return () => ended.abort();
  }, [client, unreadOnly, moved, t]);
  const next = pages?.at(-1)?.next;
  const more =
    next &&
    (() =>
      void next().then(
        (page) => setPages([...(pages ?? []), page]),
        () => undefined,
      ));
  return { found: pages?.flatMap((page) => page.mentions), failure, more };
}
