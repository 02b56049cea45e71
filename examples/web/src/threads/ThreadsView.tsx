/** The threads that the user follows, the one with the newest reply first. */

import type { FollowedThread } from "@parlour/client";
import { MessageSquareText } from "lucide-react";
import { useEffect, useState } from "react";
import { PaneHead } from "../app/PaneHead.tsx";
import { hashOf } from "../app/route.ts";
import { agoOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useRoomName } from "../rooms/names.ts";
import { Badge } from "../rooms/RoomRow.tsx";
import { useClient, useRoomSummary, useRooms } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { type TimelineSource, useItems, useTimeline } from "../sdk/timeline.ts";
import { useNaming } from "../timeline/names.ts";
import { messageAt } from "../timeline/place.ts";
import { summaryOf } from "../timeline/Quote.tsx";
import { Avatar } from "../ui/Avatar.tsx";

const SHOWN_MAX = 40;

/** The list. */
export function ThreadsView() {
  const { t } = useText();
  const { threads, failure } = useThreads();
  return (
    <main className="pane" aria-label={t("threads.title")}>
      <PaneHead title={t("threads.title")} />
      <div className="threads">
        {failure && <p className="empty-line">{failure}</p>}
        {!threads && !failure && <p className="empty-line">{t("state.loading")}</p>}
        {threads?.slice(0, SHOWN_MAX).map((followed) => (
          <ThreadCard key={`${followed.thread.room.id}-${followed.thread.rootSeq}`} followed={followed} />
        ))}
        {threads?.length === 0 && (
          <div className="empty">
            <MessageSquareText size={32} strokeWidth={1.25} aria-hidden />
            <h2>{t("threads.none")}</h2>
            <p>{t("threads.none-why")}</p>
          </div>
        )}
      </div>
    </main>
  );
}

function ThreadCard({ followed }: { followed: FollowedThread }) {
  const { t } = useText();
  const { thread, summary, repliers, unread, mentions } = followed;
  const room = useRoomSummary(thread.room.id);
  const name = useRoomName(room);
  const source = useTimeline(thread.room, thread.rootSeq);
  return (
    <a className="thread-card" href={hashOf.thread(thread.room.id, thread.rootSeq)}>
      <span className="thread-room">
        <bdi>{name}</bdi>
        {unread > 0 && <Badge count={mentions || unread} isLoud={mentions > 0} />}
      </span>
      {source ? <Root source={source} seq={thread.rootSeq} /> : <span className="thread-root">…</span>}
      <span className="thread-foot">
        <span className="stack">
          {repliers.map((id) => (
            <Avatar key={id} id={id} size={20} />
          ))}
        </span>
        {t("thread.replies", { n: summary.replies })} · {t("thread.last", { when: agoOf(summary.lastAtMs) })}
      </span>
    </a>
  );
}

/** The message that the thread stands under; it comes with the first page of its replies. */
function Root({ source, seq }: { source: TimelineSource; seq: number }) {
  const items = useItems(source);
  const root = messageAt(items, seq);
  const sender = root?.sender;
  const name = useNaming(sender ? [sender] : []);
  useEffect(() => {
    if (!root && !source.isAtStart) void source.loadOlder().catch(() => undefined);
  }, [root, source]);
  return (
    <span className="thread-root" dir="auto">
      {sender && <strong>{name([sender])}</strong>} {summaryOf(root, "…")}
    </span>
  );
}

/** Asked for again when something happens in one of the rooms. */
function useThreads() {
  const { t } = useText();
  const client = useClient();
  const rooms = useRooms();
  const [threads, setThreads] = useState<readonly FollowedThread[]>();
  const [failure, setFailure] = useState<string>();
  const moved = rooms.map(({ threadUnread }) => threadUnread).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another count is another list.
  useEffect(() => {
    const ended = new AbortController();
    client.threads({}, { signal: ended.signal }).then(setThreads, (error: unknown) => {
      if (!ended.signal.aborted) setFailure(failureText(error, t));
    });
    return () => ended.abort();
  }, [client, moved, t]);
  return { threads, failure };
}
