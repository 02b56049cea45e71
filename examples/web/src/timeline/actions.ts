/** What one may do with a message: one list for the toolbar's menu, the context menu and the keyboard. */

import type { Message } from "@parlour/client";
import {
  AlarmClock,
  Bookmark,
  BookmarkX,
  Copy,
  Eye,
  Forward,
  History,
  Link,
  type LucideIcon,
  MailOpen,
  MessageSquareText,
  Pencil,
  Pin,
  PinOff,
  Reply,
  Trash2,
} from "lucide-react";
import { hashOf } from "../app/route.ts";
import type { Key } from "../i18n/text.ts";
import { text } from "../i18n/text.ts";
import { kept, keptNow } from "../later/kept.ts";
import { openSaved } from "../later/lists.ts";
import { toast } from "../ui/toast.tsx";
import type { Asking, Scope } from "./scope.tsx";

/** One thing to do. */
export interface Action {
  readonly id: string;
  readonly label: Key;
  readonly icon: LucideIcon;
  /** Does it while the message has the focus. */
  readonly shortcut?: string;
  readonly isDanger?: boolean;
  run(): void;
}

/** What can be done with this message now. */
export function actionsOf(message: Message, scope: Scope): Action[] {
  if (message.seq === undefined) return message.delivery.state === "failed" ? failedActions(message) : [];
  if (message.isDeleted) return [];
  const isReply = scope.root !== undefined;
  const ask = (what: Asking["what"]) => () => scope.ask({ what, message });
  const all: (Action | false)[] = [
    !isReply && thread(message, scope),
    { id: "quote", label: "action.quote", icon: Reply, shortcut: "r", run: () => scope.answer(message) },
    message.isOwn && edit(message, scope),
    pin(message, scope),
    { id: "forward", label: "action.forward", icon: Forward, shortcut: "f", run: ask("forward") },
    save(message, scope),
    { id: "remind", label: "action.remind", icon: AlarmClock, run: ask("remind") },
    { id: "copy", label: "action.copy-text", icon: Copy, shortcut: "c", run: () => copy(message.text) },
    link(message),
    message.isEdited && { id: "edits", label: "action.edits", icon: History, run: ask("edits") },
    !isReply && { id: "seen", label: "action.seen", icon: Eye, run: ask("seen") },
    !isReply && unread(message, scope),
    message.isOwn && remove(message, scope),
  ];
  return all.filter((action) => action !== false);
}

function failedActions(message: Message): Action[] {
  return [
    { id: "retry", label: "action.retry", icon: MailOpen, run: () => message.retry() },
    { id: "discard", label: "action.discard", icon: BookmarkX, isDanger: true, run: () => message.discard() },
  ];
}

function thread(message: Message, scope: Scope): Action {
  const run = () => scope.openThread(message);
  return { id: "thread", label: "action.thread", icon: MessageSquareText, shortcut: "t", run };
}

function edit(message: Message, scope: Scope): Action {
  const run = () => scope.edit(message.key);
  return { id: "edit", label: "action.edit", icon: Pencil, shortcut: "e", run };
}

function pin(message: Message, scope: Scope): Action {
  const run = () => void (message.isPinned ? message.unpin() : message.pin()).catch(scope.fail);
  const [label, icon] = message.isPinned
    ? (["action.unpin", PinOff] as const)
    : (["action.pin", Pin] as const);
  return { id: "pin", label, icon, shortcut: "p", run };
}

function save(message: Message, scope: Scope): Action {
  const { client } = scope.room;
  const { room, seq = 0 } = message;
  const isSaved = keptNow(client, openSaved)?.has(room, seq) ?? false;
  const change = async () => {
    const saved = await kept(client, openSaved);
    await (isSaved ? saved.unsave(room, seq) : saved.save(room, seq));
    toast(text().t(isSaved ? "save.undone" : "save.done"));
  };
  const run = () => void change().catch(scope.fail);
  const [label, icon] = isSaved
    ? (["action.unsave", BookmarkX] as const)
    : (["action.save-later", Bookmark] as const);
  return { id: "save", label, icon, shortcut: "s", run };
}

function link(message: Message): Action {
  const address = () => location.href.split("#")[0] + hashOf.message(message.room, message.seq ?? 0);
  return { id: "link", label: "action.copy-link", icon: Link, shortcut: "l", run: () => copy(address()) };
}

function unread(message: Message, scope: Scope): Action {
  const run = () => scope.markUnread(message);
  return { id: "unread", label: "action.mark-unread", icon: MailOpen, shortcut: "u", run };
}

function remove(message: Message, scope: Scope): Action {
  const run = () => scope.askDelete(message);
  return { id: "delete", label: "action.delete", icon: Trash2, shortcut: "Delete", isDanger: true, run };
}

function copy(text: string): void {
  void navigator.clipboard?.writeText(text);
}
