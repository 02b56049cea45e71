/** A timeline with its composer: of a room, or of a thread beside it. */

import type { Message, Room, RoomSummary, TimelineItem } from "@parlour/client";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Composer } from "../composer/Composer.tsx";
import { Dropping } from "../files/Dropping.tsx";
import { FILES_MAX } from "../files/desk.ts";
import { useDesk } from "../files/desks.ts";
import { LeavingRows } from "../files/LeavingRows.tsx";
import { Lightbox, type Shown } from "../files/Lightbox.tsx";
import { kindOf } from "../files/measures.ts";
import { useText } from "../i18n/text.ts";
import { useSaved } from "../later/lists.ts";
import { SeenProvider, SMALL_ROOM_MAX, useSeenStore } from "../receipts/seen.ts";
import { failureText } from "../sdk/failure.ts";
import { type TimelineSource, useItems } from "../sdk/timeline.ts";
import { AskedDialog } from "../timeline/AskedDialog.tsx";
import { lastSeqOf, messageAt } from "../timeline/place.ts";
import { type Asking, type Scope, ScopeProvider } from "../timeline/scope.tsx";
import { TimelineView } from "../timeline/TimelineView.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { useLookedAt } from "./looked-at.ts";
import { go, hashOf } from "./route.ts";
import { Typing } from "./Typing.tsx";

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
  const { room, root, summary, source, label, placeholder, start, at, onSeen } = props;
  const { t } = useText();
  const items = useItems(source);
  const { desk, state } = useDesk(room, root);
  const { leaving } = state;
  const isSmall = root === undefined && (summary?.memberCount ?? Infinity) <= SMALL_ROOM_MAX;
  const seen = useSeenStore(room, items, isSmall && source.loadNewer === undefined);
  // The menus of messages say whether one is saved.
  useSaved();
  const [editing, setEditing] = useState<string>();
  const [answering, setAnswering] = useState<Message>();
  const [deleting, setDeleting] = useState<Message>();
  const [target, setTarget] = useState(at === undefined ? undefined : { seq: at, times: 0 });
  const [unreadAfter, setUnreadAfter] = useState(props.readSeq);
  const [isAtEnd, setAtEnd] = useState(false);
  const [asking, setAsking] = useState<Asking>();
  const [shown, setShown] = useState<{ message: Message; hash: string }>();
  const [isHeld, setHeld] = useState(false);
  const seek = useCallback(
    (seq: number) => setTarget((before) => ({ seq, times: (before?.times ?? 0) + 1 })),
    [],
  );
  useEffect(() => {
    if (at === undefined) {
      setTarget(undefined);
      return undefined;
    }
    // The address changes before the page knows.
    const again = () => location.hash.endsWith(`/at/${at}`) && seek(at);
    seek(at);
    addEventListener("hashchange", again);
    return () => removeEventListener("hashchange", again);
  }, [at, seek]);
  const isOfThePast = source.loadNewer !== undefined;
  const toNewest = isOfThePast ? () => go(hashOf.room(room.id)) : undefined;

  const fail = useCallback((error: unknown) => toast(failureText(error, t)), [t]);
  const scope = useMemo<Scope>(
    () => ({
      room,
      root,
      editing,
      edit: setEditing,
      answering,
      answer: setAnswering,
      askDelete: setDeleting,
      openThread: (message) => message.seq !== undefined && go(hashOf.thread(room.id, message.seq)),
      markUnread: (message) => {
        if (message.seq === undefined) return;
        setHeld(true);
        setUnreadAfter(message.seq - 1);
        room.markUnread(message.seq).catch(fail);
      },
      jump: (seq) =>
        root !== undefined || messageAt(source.items, seq) ? seek(seq) : go(hashOf.message(room.id, seq)),
      ask: setAsking,
      showPicture: (message, hash) => setShown({ message, hash }),
      fail,
    }),
    [room, root, editing, answering, fail, source, seek],
  );
  useSeen({ last: lastSeqOf(items), isAtEnd: isAtEnd && !isHeld, onSeen });

  const editLast = () => {
    const own = items.findLast((item) => item.type === "message" && item.isOwn && !item.isDeleted);
    if (own?.type === "message") setEditing(own.key);
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
      {asking && <AskedDialog asking={asking} onClose={() => setAsking(undefined)} />}
      {shown && <Pictures items={items} shown={shown} onClose={() => setShown(undefined)} />}
      {deleting && <DeleteDialog message={deleting} onClose={() => setDeleting(undefined)} onFail={fail} />}
    </ScopeProvider>
  );
}

interface PicturesProps {
  items: readonly TimelineItem[];
  shown: { message: Message; hash: string };
  onClose: () => void;
}

/** A picture large, between those before and after it in the timeline, as it was when the first was shown. */
function Pictures({ items, shown: { message, hash }, onClose }: PicturesProps) {
  const [pictures] = useState(() => items.flatMap(picturesOf));
  const first = pictures.findIndex((it) => it.message.key === message.key && it.attachment.hash === hash);
  return <Lightbox pictures={pictures} first={Math.max(first, 0)} onClose={onClose} />;
}

function picturesOf(item: TimelineItem): Shown[] {
  if (item.type !== "message") return [];
  const pictures = item.attachments.filter((attachment) => kindOf(attachment) === "picture");
  return pictures.map((attachment) => ({ message: item, attachment }));
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

interface DeleteProps {
  message: Message;
  onClose: () => void;
  onFail: (error: unknown) => void;
}

function DeleteDialog({ message, onClose, onFail }: DeleteProps) {
  const { t } = useText();
  const confirm = () => {
    message.delete().catch(onFail);
    onClose();
  };
  return (
    <Dialog
      title={t("delete.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" data-autofocus onClick={confirm}>
            {t("action.delete")}
          </Button>
        </>
      }
    >
      <p>{t("delete.question")}</p>
      <blockquote className="delete-quote" dir="auto">
        {message.text || message.poll?.asked.question || message.attachments[0]?.name}
      </blockquote>
    </Dialog>
  );
}
