/** Drafts on all of the user's devices and tabs: what is begun in one can be finished in another. */

import type { Client, User } from "@parlour/client";
import { Drafts } from "@parlour/client/drafts";
import { type Dispatch, type SetStateAction, useEffect, useRef, useState } from "react";
import { useClientState, useSigned } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { type DraftText, mentionsIn } from "./draft.ts";

const TELL_AFTER_MS = 700;

const opened = new WeakMap<Client, Promise<Drafts>>();

/** One list for each client, open for as long as that lives. */
function draftsOf(client: Client): Promise<Drafts> {
  const known = opened.get(client);
  if (known) return known;
  const opening = Drafts.open(client);
  opened.set(client, opening);
  opening.catch(() => opened.delete(client));
  return opening;
}

function useDrafts(): Drafts | undefined {
  const { client } = useSigned();
  const isLive = useClientState().type === "live";
  const [drafts, setDrafts] = useState<Drafts>();
  useEffect(() => {
    if (!isLive || drafts) return undefined;
    let isOver = false;
    // Without it drafts stay on this device until the next connection.
    draftsOf(client)
      .then((it) => isOver || setDrafts(it))
      .catch(() => undefined);
    return () => {
      isOver = true;
    };
  }, [client, isLive, drafts]);
  return drafts;
}

/**
 * Brings a composer's draft to the server when the user pauses, and in what was written elsewhere. What is written
 * here and not told yet goes over what comes in.
 */
export function useSharedDraft(draft: DraftText, setDraft: Dispatch<SetStateAction<DraftText>>): void {
  const { room, root } = useScope();
  const { people } = useSigned();
  const drafts = useDrafts();
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
