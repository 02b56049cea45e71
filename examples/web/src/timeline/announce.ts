/** New messages said aloud by screen readers: those of the conversation that is open, from others, a few at a time. */

import type { TimelineItem } from "@parlour/client";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { text } from "../i18n/text.ts";
import { useSigned } from "../sdk/context.tsx";
import { lastSeqOf } from "./place.ts";
import { summaryOf } from "./Quote.tsx";
import { seqOf } from "./rows.ts";

const SAID_MAX = 3;
const listeners = new Set<() => void>();
let said = "";

/** Says something. */
export function announce(what: string): void {
  // The same words twice would not be said twice.
  said = said === what ? `${what}\u00a0` : what;
  for (const listener of [...listeners]) listener();
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** What is to be said. */
export function useAnnounced(): string {
  return useSyncExternalStore(subscribe, () => said);
}

/** Says the messages that come while this stands. */
export function useAnnouncedMessages(items: readonly TimelineItem[]): void {
  const { people } = useSigned();
  const heard = useRef(0);
  useEffect(() => {
    const last = lastSeqOf(items);
    const before = heard.current;
    heard.current = Math.max(last, before);
    if (before === 0 || last <= before) return;
    const words: string[] = [];
    for (let at = items.length - 1; at >= 0 && words.length < SAID_MAX; at--) {
      const item = items[at];
      if (!item || (seqOf(item) ?? last) <= before) break;
      if (item.type !== "message" || item.isOwn || item.isDeleted) continue;
      const { t } = text();
      const name = people.get(item.sender)?.name ?? t("person.unknown");
      words.unshift(t("announce.message", { name, text: summaryOf(item, "") }));
    }
    if (words.length > 0) announce(words.join(" "));
  }, [items, people]);
}
