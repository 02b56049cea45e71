/** Drafts on all of the user's devices and tabs: what is begun in one can be finished in another. */

import type { User } from "@parlour/client";
import { type Dispatch, type SetStateAction, useCallback, useEffect, useRef } from "react";
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
  const isTelling = useRef(false);

  useEffect(() => {
    if (!drafts) return undefined;
    const take = () => {
      if (isTelling.current) return;
      const begun = drafts.of(room.id, root)?.draft;
      const text = begun?.text ?? "";
      const { text: here, agreed = "" } = last.current;
      const echo = told.current.indexOf(text);
      if (echo >= 0) told.current.splice(0, echo + 1);
      if (text === agreed || echo >= 0) return;
      if (here !== agreed && here !== text) return;
      const users = (begun?.mentions ?? []).flatMap((id) => people.get(id) ?? []);
      setDraft((before) => ({
        ...before,
        text,
        mentions: { ...before.mentions, ...namesOf(users) },
        agreed: text,
      }));
    };
    take();
    return drafts.subscribe(take);
  }, [drafts, room, root, people, setDraft]);

  const tell = useCallback(
    async (draft: DraftText) => {
      if (!drafts) return;
      const { text } = draft;
      told.current.push(text);
      isTelling.current = true;
      const mentions = mentionsIn(draft);
      const done = drafts.set(room.id, { text, mentions, ...(root !== undefined && { threadRoot: root }) });
      isTelling.current = false;
      try {
        await done;
        // Not before the server has it: a page that is loaded again meanwhile would take the server's for newer.
        setDraft((before) => ({ ...before, agreed: text }));
      } catch {
        // One that isn't taken is kept on this device.
      }
    },
    [drafts, room, root, setDraft],
  );

  useEffect(() => {
    if (!drafts || draft.text === (draft.agreed ?? "")) return undefined;
    const timer = setTimeout(() => void tell(draft), draft.text ? TELL_AFTER_MS : 0);
    return () => clearTimeout(timer);
  }, [drafts, draft, tell]);

  // Whoever goes to another room has paused.
  useEffect(
    () => () => {
      const { text, agreed = "" } = last.current;
      if (text !== agreed) void tell(last.current);
    },
    [tell],
  );
}

function namesOf(users: readonly User[]): DraftText["mentions"] {
  return Object.fromEntries(users.map(({ id, name }) => [name, id]));
}
