/** What can be done with the messages of one conversation, and which of them is being edited or answered. */

import type { Message, Room } from "@parlour/client";
import { createContext, useContext } from "react";
import { conversationOf } from "../composer/mentioning.ts";

/** Something to be done with a message in a dialog. */
export interface Asking {
  readonly what: "forward" | "remind" | "edits" | "seen";
  readonly message: Message;
}

/** One conversation: a room's, or a thread's. */
export interface Scope {
  readonly room: Room;
  /** Of a thread: its root. */
  readonly root: number | undefined;
  /** Which message is being edited, by its key. */
  readonly editing: string | undefined;
  edit(key: string | undefined): void;
  /** Which message is being answered. */
  readonly answering: Message | undefined;
  answer(message: Message | undefined): void;
  /** Asks whether to delete it. */
  askDelete(message: Message): void;
  /** Opens a dialog about a message. */
  ask(asking: Asking): void;
  openThread(message: Message): void;
  markUnread(message: Message): void;
  /** Shows a picture of a message large, by its hash. */
  showPicture(message: Message, hash: string): void;
  /** Scrolls to a message by its number. */
  jump(seq: number): void;
  /** Says that something didn't work. */
  fail(error: unknown): void;
}

const Context = createContext<Scope | undefined>(undefined);

/** Gives the conversation to its parts. */
export const ScopeProvider = Context.Provider;

/** What the conversation around it is called, for what stands in and outside of one. */
export function useConversation(): string | undefined {
  const scope = useContext(Context);
  return scope && conversationOf(scope.room.id, scope.root);
}

/** The conversation. */
export function useScope(): Scope {
  const scope = useContext(Context);
  if (!scope) throw new Error("this component stands outside of a conversation");
  return scope;
}
