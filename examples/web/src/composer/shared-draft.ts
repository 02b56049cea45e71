/** Drafts on all of the user's devices and tabs: what is begun in one can be finished in another. */

import type { User } from "@parlour/client";
import { type Dispatch, type SetStateAction, useEffect, useRef } from "react";
import { useDrafts } from "../later/lists.ts";
import { useSigned } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { type DraftText, mentionsIn } from "./draft.ts";

const TELL_AFTER_MS = 700;

/**
 * Brings a composer's draft to the server when the user pauses, and in what was written elsewhere. What is written
 * here and not told yet goes over what comes in.
 */
export function useSharedDraft(draft: DraftText, setDraft: Dispatch<SetStateAction<DraftText>>): void {
  const { room, root } = useScope();
  const { people } = useSigned();
  const { list: drafts } = useDrafts();
  const last = useRef(draft);
  last.current = draft;
  // What was told from here comes back, perhaps when more was written already.
  const told = useRef<string[]>([]);

  useEffect(() => {
    if (!drafts) return undefined;
    const take = () => {
      const begun = drafts.of(room.id, root)?.draft;
      const text = begun?.text ?? "";
      const { text: here, agreed = "" } = last.current;
      const echo = told.current.indexOf(text);
      if (echo >= 0) told.current.splice(0, echo + 1);
      if (text === agreed || echo >= 0) return;
      if (here !== agreed && here !== text) return;
      const users = (begun?.mentions ?? []).flatMap((id) => people.get(id) ?? []);
      setDraft({ text, mentions: { ...last.current.mentions, ...namesOf(users) }, agreed: text });
    };
    take();
    return drafts.subscribe(take);
  }, [drafts, room, root, people, setDraft]);

  useEffect(() => {
    const { text, agreed = "" } = draft;
    if (!drafts || text === agreed) return undefined;
    const tell = () => {
      told.current.push(text);
      setDraft((before) => ({ ...before, agreed: text }));
      const message = { text, mentions: mentionsIn(draft), ...(root !== undefined && { threadRoot: root }) };
      // One that isn't taken is kept on this device.
      drafts.set(room.id, message).catch(() => undefined);
    };
    const timer = setTimeout(tell, text ? TELL_AFTER_MS : 0);
    return () => clearTimeout(timer);
  }, [drafts, draft, room, root, setDraft]);

  // Whoever goes to another room has paused.
  useEffect(
    () => () => {
      const { text, agreed = "" } = last.current;
      if (!drafts || text === agreed) return;
      const message = {
        text,
        mentions: mentionsIn(last.current),
        ...(root !== undefined && { threadRoot: root }),
      };
      drafts.set(room.id, message).catch(() => undefined);
    },
    [drafts, room, root],
  );
}

function namesOf(users: readonly User[]): DraftText["mentions"] {
  return Object.fromEntries(users.map(({ id, name }) => [name, id]));
}
