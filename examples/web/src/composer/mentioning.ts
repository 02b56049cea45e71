/** Mentioning somebody from outside of a composer: composers that are there, and which of them is meant. */

import type { User } from "@parlour/client";
import { useEffect, useRef, useSyncExternalStore } from "react";

/** Puts somebody's name where the caret is. */
export type Mention = (user: User) => void;

/** Composers by their conversations, the one that came last at the end. */
export class Mentionable {
  private readonly all = new Map<string, Mention>();
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  /** A composer is there, until the function that comes back is called. */
  add(conversation: string, mention: Mention): () => void {
    this.all.delete(conversation);
    this.all.set(conversation, mention);
    this.changed();
    return () => {
      if (this.all.get(conversation) !== mention) return;
      this.all.delete(conversation);
      this.changed();
    };
  }

  /** That of a conversation, else the one that came last. */
  of(conversation: string | undefined): Mention | undefined {
    return (conversation && this.all.get(conversation)) || [...this.all.values()].at(-1);
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

const composers = new Mentionable();

/** What a conversation is called here. */
export function conversationOf(room: string, root: number | undefined): string {
  return `${room} ${root ?? ""}`;
}

/** Lets a conversation's composer take mentions for as long as it stands. */
export function useMentionable(conversation: string, mention: Mention): void {
  const latest = useRef(mention);
  useEffect(() => {
    latest.current = mention;
  });
  useEffect(() => composers.add(conversation, (user) => latest.current(user)), [conversation]);
}

/** How to mention somebody from here; absent where nothing can be written. */
export function useMention(conversation: string | undefined): Mention | undefined {
  return useSyncExternalStore(composers.subscribe, () => composers.of(conversation));
}
