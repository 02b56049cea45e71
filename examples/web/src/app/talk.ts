/** What happens in a conversation besides its timeline: what is edited, answered, deleted or looked at, and where it scrolls. */

import type { Message, Room } from "@parlour/client";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useText } from "../i18n/text.ts";
import { failureText } from "../sdk/failure.ts";
import type { TimelineSource } from "../sdk/timeline.ts";
import { messageAt } from "../timeline/place.ts";
import type { Asking, Scope } from "../timeline/scope.tsx";
import { toast } from "../ui/toast.tsx";
import { go, hashOf } from "./route.ts";

/** A message to scroll to, again whenever it is another object. */
export interface Target {
  readonly seq: number;
  readonly times: number;
}

interface Options {
  room: Room;
  root: number | undefined;
  source: TimelineSource;
  /** A message to scroll to when it opens. */
  at: number | undefined;
  /** The place up to which it was read when it was opened. */
  readSeq: number | undefined;
}

/** What stands above the conversation until it is closed. */
export interface Above {
  readonly deleting: Message | undefined;
  readonly asking: Asking | undefined;
  readonly picture: { readonly message: Message; readonly hash: string } | undefined;
}

/** All of it. */
export interface Talk {
  readonly scope: Scope;
  readonly target: Target | undefined;
  /** Where the line above what is unread stands. */
  readonly unreadAfter: number | undefined;
  /** The user has marked something as unread here: nothing is read by looking at it. */
  readonly isHeld: boolean;
  readonly above: Above;
  /** Closes what stands above. */
  readonly close: () => void;
}

const NOTHING: Above = { deleting: undefined, asking: undefined, picture: undefined };

/** That of one conversation. */
export function useTalk({ room, root, source, at, readSeq }: Options): Talk {
  const { t } = useText();
  const [editing, edit] = useState<string>();
  const [answering, answer] = useState<Message>();
  const [above, setAbove] = useState(NOTHING);
  const [unreadAfter, setUnreadAfter] = useState(readSeq);
  const [isHeld, setHeld] = useState(false);
  const [target, seek] = useTarget(at);
  const fail = useCallback((error: unknown) => toast(failureText(error, t)), [t]);
  const scope = useMemo<Scope>(
    () => ({
      room,
      root,
      editing,
      edit,
      answering,
      answer,
      askDelete: (deleting) => setAbove({ ...NOTHING, deleting }),
      openThread: (message) => message.seq !== undefined && go(hashOf.thread(room.id, message.seq)),
      markUnread: (message) => {
        if (message.seq === undefined) return;
        setHeld(true);
        setUnreadAfter(message.seq - 1);
        room.markUnread(message.seq).catch(fail);
      },
      jump: (seq) =>
        root !== undefined || messageAt(source.items, seq) ? seek(seq) : go(hashOf.message(room.id, seq)),
      ask: (asking) => setAbove({ ...NOTHING, asking }),
      showPicture: (message, hash) => setAbove({ ...NOTHING, picture: { message, hash } }),
      fail,
    }),
    [room, root, editing, answering, fail, source, seek],
  );
  return { scope, target, unreadAfter, isHeld, above, close: () => setAbove(NOTHING) };
}

function useTarget(at: number | undefined): [Target | undefined, (seq: number) => void] {
  const [target, setTarget] = useState<Target | undefined>(
    at === undefined ? undefined : { seq: at, times: 0 },
  );
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
  return [target, seek];
}
