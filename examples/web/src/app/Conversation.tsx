/** A timeline with its composer: of a room, or of a thread beside it. */

import type { Message, Room, RoomSummary } from "@parlour/client";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Composer } from "../composer/Composer.tsx";
import { useText } from "../i18n/text.ts";
import { failureText } from "../sdk/failure.ts";
import { type TimelineSource, useItems } from "../sdk/timeline.ts";
import { lastSeqOf } from "../timeline/place.ts";
import { type Scope, ScopeProvider } from "../timeline/scope.tsx";
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
  label: string;
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
  const [editing, setEditing] = useState<string>();
  const [answering, setAnswering] = useState<Message>();
  const [deleting, setDeleting] = useState<Message>();
  const [target, setTarget] = useState(at === undefined ? undefined : { seq: at, times: 0 });
  const [unreadAfter, setUnreadAfter] = useState(props.readSeq);
  const [isAtEnd, setAtEnd] = useState(false);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (at !== undefined) setTarget((before) => ({ seq: at, times: (before?.times ?? 0) + 1 }));
  }, [at]);

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
      jump: (seq) => setTarget((before) => ({ seq, times: (before?.times ?? 0) + 1 })),
      fail,
    }),
    [room, root, editing, answering, fail],
  );
  useSeen({ last: lastSeqOf(items), isAtEnd: isAtEnd && !isHeld, onSeen });

  const editLast = () => {
    const own = items.findLast((item) => item.type === "message" && item.isOwn && !item.isDeleted);
    if (own?.type === "message") setEditing(own.key);
  };
  return (
    <ScopeProvider value={scope}>
      <TimelineView
        source={source}
        label={label}
        readSeq={unreadAfter}
        target={target}
        start={start}
        onAtEnd={setAtEnd}
      />
      <div className="conversation-foot">
        {summary?.isArchived ? (
          <p className="composer-closed">{t("room.archived")}</p>
        ) : (
          <Composer summary={summary} placeholder={placeholder} onEditLast={editLast} />
        )}
        {root === undefined && <Typing ids={summary?.typing ?? []} />}
      </div>
      {deleting && <DeleteDialog message={deleting} onClose={() => setDeleting(undefined)} onFail={fail} />}
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
        {message.text || message.poll?.asked.question}
      </blockquote>
    </Dialog>
  );
}
