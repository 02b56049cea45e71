/** What is being written in a conversation: its draft, kept here and shared with the user's other devices. */

import type { UserId } from "@parlour/client";
import { useEffect, useRef, useState } from "react";
import { useScope } from "../timeline/scope.tsx";
import { type DraftText, keepDraft, readDraft } from "./draft.ts";
import { useSharedDraft } from "./shared-draft.ts";

const SAVE_AFTER_MS = 300;

/** A draft, and what changes it. */
export interface Writing {
  readonly draft: DraftText;
  /** The text is another. */
  readonly write: (text: string) => void;
  /** A name in the text means somebody. */
  readonly mention: (name: string, user: UserId) => void;
  /** It is sent: nothing is left of it. */
  readonly clear: () => void;
}

/** That of the conversation. */
export function useWriting(): Writing {
  const { room, root } = useScope();
  const [draft, setDraft] = useState<DraftText>(() => readDraft(room, root));
  useKeptDraft(draft);
  useSharedDraft(draft, setDraft);
  const type = (isTyping: boolean) => root === undefined && room.typing(isTyping);
  return {
    draft,
    write: (text) => {
      setDraft((before) => ({ ...before, text }));
      type(text.trim() !== "");
    },
    mention: (name, user) =>
      setDraft((before) => ({ ...before, mentions: { ...before.mentions, [name]: user } })),
    clear: () => {
      const rest = { ...draft, text: "", mentions: {} };
      setDraft(rest);
      keepDraft(room, root, rest);
      type(false);
    },
  };
}

/** Keeps the draft while it is written, and once more when the composer goes. */
function useKeptDraft(draft: DraftText): void {
  const { room, root } = useScope();
  const last = useRef(draft);
  last.current = draft;
  useEffect(() => {
    const timer = setTimeout(() => keepDraft(room, root, draft), SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [room, root, draft]);
  useEffect(() => {
    const keep = () => keepDraft(room, root, last.current);
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
    };
  }, [room, root]);
}
