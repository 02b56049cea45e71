/** A room: its head, its conversation, and what stands beside it. */

import type { RoomId, RoomSummary } from "@parlour/client";
import { Info, Pin, Search, Users } from "lucide-react";
import { lazy, Suspense, useCallback, useState } from "react";
import { Conversation } from "../app/Conversation.tsx";
import { BackButton } from "../app/PaneHead.tsx";
import type { Aside } from "../app/route.ts";
import { go, hashOf } from "../app/route.ts";
import { useText } from "../i18n/text.ts";
import { MembersPanel } from "../people/MembersPanel.tsx";
import { PersonButton } from "../people/PersonButton.tsx";
import { StatusWords, useStatus } from "../people/status.tsx";
import { useRoom, useRoomSummary, useSynced } from "../sdk/context.tsx";
import { useTimeline, useTimelineAt } from "../sdk/timeline.ts";
import { searchHere } from "../search/search-here.ts";
import { ThreadPanel } from "../threads/ThreadPanel.tsx";
import { PresentAvatar, RoomIcon } from "../ui/Avatar.tsx";
import { IconButton } from "../ui/Button.tsx";
import { MessageSkeleton } from "../ui/Skeleton.tsx";
import { useRoomName } from "./names.ts";
import { PinsPanel } from "./PinsPanel.tsx";
import { RoomStart } from "./RoomStart.tsx";

const DetailsPanel = lazy(() => import("./DetailsPanel.tsx").then((it) => ({ default: it.DetailsPanel })));

interface Props {
  id: RoomId;
  aside: Aside;
  at: number | undefined;
}

/** The room, or why there is none. */
export function RoomView(props: Props) {
  const summary = useRoomSummary(props.id);
  return summary ? <Known {...props} summary={summary} /> : <Missing />;
}

function Known({ id, aside, at, summary }: Props & { summary: RoomSummary }) {
  const { t } = useText();
  const room = useRoom(id);
  const name = useRoomName(summary);
  const { source, isThere, key: sourceKey } = useTimelineAt(room, useTimeline(room), at);
  // The unread line stays where it was when the room was opened.
  const [readSeq] = useState(() => (summary.unread > 0 ? summary.readSeq : undefined));
  const onSeen = useCallback((seq: number) => room.markRead(seq), [room]);
  return (
    <>
      <main className="pane" aria-label={name}>
        <RoomHead summary={summary} name={name} aside={aside} />
        {source ? (
          <Conversation
            key={id}
            room={room}
            summary={summary}
            source={source}
            sourceKey={sourceKey}
            label={t("timeline.label", { name })}
            name={name}
            placeholder={t("composer.placeholder", { name })}
            start={<RoomStart summary={summary} name={name} />}
            at={isThere ? at : undefined}
            readSeq={readSeq}
            onSeen={onSeen}
          />
        ) : (
          <MessageSkeleton />
        )}
      </main>
      {aside?.is === "thread" && (
        <ThreadPanel key={`${id}-${aside.root}`} room={room} root={aside.root} at={aside.at} name={name} />
      )}
      {aside?.is === "members" && <MembersPanel key={id} summary={summary} />}
      {aside?.is === "pins" && <PinsPanel key={id} summary={summary} />}
      <Suspense>{aside?.is === "details" && <DetailsPanel key={id} summary={summary} />}</Suspense>
    </>
  );
}

function RoomHead({ summary, name, aside }: { summary: RoomSummary; name: string; aside: Aside }) {
  const { t, language } = useText();
  const status = useStatus(summary.peer);
  const toggle = (is: "members" | "pins" | "details") =>
    go(aside?.is === is ? hashOf.room(summary.id) : hashOf[is](summary.id));
  return (
    <header className="pane-head">
      <BackButton />
      {summary.isDirect ? (
        <PersonButton id={summary.peer} isPicture className="bare">
          <PresentAvatar id={summary.peer} size={28} />
        </PersonButton>
      ) : (
        <RoomIcon kind={summary.kind} isArchived={summary.isArchived} size={18} />
      )}
      <div className="pane-title">
        <h1 dir="auto">{name}</h1>
        {status && (
          <p className="pane-topic">
            <StatusWords status={status} />
          </p>
        )}
        {!summary.isDirect && summary.topic && (
          <p className="pane-topic" dir="auto" title={summary.topic}>
            {summary.topic}
          </p>
        )}
      </div>
      <IconButton icon={Search} label={t("search.here")} onClick={() => searchHere(summary.id)} />
      <IconButton
        icon={Pin}
        label={t("pins.title")}
        isOn={aside?.is === "pins"}
        onClick={() => toggle("pins")}
      />
      <IconButton
        icon={Info}
        label={t("details.title")}
        isOn={aside?.is === "details"}
        onClick={() => toggle("details")}
      />
      {!summary.isDirect && (
        <button
          type="button"
          className="head-members"
          aria-pressed={aside?.is === "members"}
          aria-label={t("members.show", { n: summary.memberCount })}
          onClick={() => toggle("members")}
        >
          <Users size={17} strokeWidth={1.75} aria-hidden />{" "}
          {summary.memberCount.toLocaleString(language.tag)}
        </button>
      )}
    </header>
  );
}

function Missing() {
  const { t } = useText();
  const isSynced = useSynced();
  if (!isSynced) {
    return (
      <main className="pane" aria-busy aria-label={t("state.loading")}>
        <header className="pane-head" />
        <MessageSkeleton />
      </main>
    );
  }
  return (
    <main className="pane">
      <div className="empty">
        <h1>{t("room.missing")}</h1>
        <p>{t("room.missing-why")}</p>
        <a href={hashOf.home()}>{t("nav.home")}</a>
      </div>
    </main>
  );
}
