/** A timeline with its composer: of a room, or of a thread beside it. */

import type { Room, RoomSummary } from "@parlour/client";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Composer } from "../composer/Composer.tsx";
import { Dropping } from "../files/Dropping.tsx";
import { FILES_MAX } from "../files/desk.ts";
import { useDesk } from "../files/desks.ts";
import { LeavingRows } from "../files/LeavingRows.tsx";
import { useText } from "../i18n/text.ts";
import { useSaved } from "../later/lists.ts";
import { SeenProvider, SMALL_ROOM_MAX, useSeenStore } from "../receipts/seen.ts";
import { type TimelineSource, useItems } from "../sdk/timeline.ts";
import { lastSeqOf } from "../timeline/place.ts";
import { ScopeProvider } from "../timeline/scope.tsx";
import { TimelineView } from "../timeline/TimelineView.tsx";
import { toast } from "../ui/toast.tsx";
import { useLookedAt } from "./looked-at.ts";
import { go, hashOf } from "./route.ts";
import { TalkDialogs } from "./TalkDialogs.tsx";
import { Typing } from "./Typing.tsx";
import { useTalk } from "./talk.ts";

interface Props {
  room: Room;
  root?: number;
  summary: RoomSummary | undefined;
  source: TimelineSource;
  /** Another one for another source, whose list begins anew. */
  sourceKey?: string;
  label: string;
  /** The room's name. */
  name: string;
  placeholder: string;
  start: ReactNode;
  /** A message to scroll to when it opens. */
  at?: number | undefined;
  /** The place up to which it was read when it was opened. */
  readSeq: number | undefined;
  /** Everything up to here was seen. */
  onSeen: (seq: number) => void;
}

/** One conversation. Give it the conversation's key, so that each begins anew. */
export function Conversation(props: Props) {
  const { room, root, summary, source, label, placeholder, start, onSeen } = props;
  const { t } = useText();
  const items = useItems(source);
  const { desk, state } = useDesk(room, root);
  const { leaving } = state;
  const isOfThePast = source.loadNewer !== undefined;
  const isSmall = root === undefined && (summary?.memberCount ?? Infinity) <= SMALL_ROOM_MAX;
  const seen = useSeenStore(room, items, isSmall && !isOfThePast);
  // The menus of messages say whether one is saved.
  useSaved();
  const { scope, target, unreadAfter, isHeld, above, close } = useTalk({
    room,
    root,
    source,
    at: props.at,
    readSeq: props.readSeq,
  });
  const [isAtEnd, setAtEnd] = useState(false);
  const toNewest = isOfThePast ? () => go(hashOf.room(room.id)) : undefined;
  useSeen({ last: lastSeqOf(items), isAtEnd: isAtEnd && !isHeld, onSeen });
  const editLast = () => {
    const own = items.findLast((item) => item.type === "message" && item.isOwn && !item.isDeleted);
    if (own?.type === "message") scope.edit(own.key);
  };
  const drop = (files: File[]) => {
    if (desk.add(files) > 0) toast(t("files.too-many", { n: FILES_MAX }));
  };
  return (
    <ScopeProvider value={scope}>
      <Dropping label={props.name} isOff={summary?.isArchived ?? false} onFiles={drop}>
        <SeenProvider value={seen}>
          <TimelineView
            key={props.sourceKey}
            source={source}
            label={label}
            readSeq={isOfThePast ? undefined : unreadAfter}
            target={target}
            start={start}
            foot={<LeavingRows desk={desk} all={leaving} />}
            sent={leaving.length}
            onAtEnd={setAtEnd}
            onNewest={toNewest}
          />
        </SeenProvider>
        <div className="conversation-foot">
          {summary?.isArchived ? (
            <p className="composer-closed">{t("room.archived")}</p>
          ) : (
            <Composer summary={summary} placeholder={placeholder} onEditLast={editLast} onSent={toNewest} />
          )}
          {root === undefined && <Typing ids={summary?.typing ?? []} />}
        </div>
      </Dropping>
      <TalkDialogs above={above} items={items} onClose={close} />
    </ScopeProvider>
  );
}

/** Tells what was seen: the end of the list, while somebody looks at it. */
function useSeen({
  last,
  isAtEnd,
  onSeen,
}: {
  last: number;
  isAtEnd: boolean;
  onSeen: (seq: number) => void;
}): void {
  const isLookedAt = useLookedAt();
  const told = useRef(0);
  useEffect(() => {
    if (!isAtEnd || !isLookedAt || last <= told.current) return;
    told.current = last;
    onSeen(last);
  }, [last, isAtEnd, isLookedAt, onSeen]);
}
