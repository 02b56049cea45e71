/** One message: who, when, what, and what came of it. */

import type { Message } from "@parlour/client";
import { MessageSquareText, Pin, SmilePlus } from "lucide-react";
import { memo, useMemo, useState } from "react";
import { Editor } from "../composer/Editor.tsx";
import { EmojiButton } from "../emoji/EmojiButton.tsx";
import { MessageFiles } from "../files/MessageFiles.tsx";
import { agoOf, momentOf, timeOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import type { Mark } from "../markdown/marks.tsx";
import { plain } from "../markdown/parse.ts";
import { PersonButton } from "../people/PersonButton.tsx";
import { SeenBy } from "../receipts/SeenBy.tsx";
import { useMe, usePerson, usePersons } from "../sdk/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { IconButton } from "../ui/Button.tsx";
import { Delivery } from "./Delivery.tsx";
import { LinkPreviews } from "./LinkPreviews.tsx";
import { MoreMenu } from "./MessageMenu.tsx";
import { PollCard } from "./PollCard.tsx";
import { Quote } from "./Quote.tsx";
import { Reactions } from "./Reactions.tsx";
import { useScope } from "./scope.tsx";

interface Props {
  message: Message;
  isHead: boolean;
  /** What it answers, where that is loaded. */
  quoted: Message | undefined;
  /** It was jumped to. */
  isFound: boolean;
}

/** A message as a row. Messages of the SDK are new objects when they change, so that rows can be compared. */
export const MessageRow = memo(function MessageRow({ message, isHead, quoted, isFound }: Props) {
  const { t } = useText();
  const scope = useScope();
  const me = useMe();
  const sender = usePerson(message.sender ?? me);
  const [isPointedAt, setPointedAt] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const isEditing = scope.editing === message.key;
  const isToMe =
    me !== undefined && !message.isOwn && (message.mentionsEveryone || message.mentions.includes(me));
  const name = sender?.name ?? t("person.unknown");
  const looks = [
    "message",
    isHead && "message-head",
    isToMe && "message-to-me",
    isEditing && "message-editing",
    isFound && "message-found",
    message.delivery.state !== "sent" && `message-${message.delivery.state}`,
  ];
  const text = message.isDeleted ? t("message.deleted") : plain(message.text);
  return (
    <article
      className={looks.filter(Boolean).join(" ")}
      tabIndex={-1}
      data-key={message.key}
      aria-label={t("message.label", { name, when: timeOf(message.atMs), text })}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      onFocus={() => setPointedAt(true)}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setPointedAt(false)}
    >
      <div className="message-side">
        {isHead ? (
          <PersonButton id={message.sender ?? me} isPicture className="bare">
            <Avatar id={message.sender ?? me} />
          </PersonButton>
        ) : (
          <time className="message-time" dateTime={new Date(message.atMs).toISOString()} aria-hidden>
            {timeOf(message.atMs)}
          </time>
        )}
      </div>
      <div className="message-main">
        {isHead && (
          <header className="message-header">
            <PersonButton id={message.sender ?? me} className="message-name">
              <bdi>{name}</bdi>
            </PersonButton>
            {sender?.kind === 2 && <span className="tag">{t("person.bot")}</span>}
            <time title={momentOf(message.atMs)} dateTime={new Date(message.atMs).toISOString()}>
              {timeOf(message.atMs)}
            </time>
            {message.isPinned && (
              <span className="message-pinned">
                <Pin size={12} aria-hidden /> {t("message.pinned")}
              </span>
            )}
          </header>
        )}
        {message.replyTo !== undefined && !message.isDeleted && (
          <Quote seq={message.replyTo} message={quoted} />
        )}
        {isEditing ? <Editor message={message} /> : <Body message={message} />}
        {!isHead && message.isPinned && (
          <span className="message-pinned">
            <Pin size={12} aria-hidden /> {t("message.pinned")}
          </span>
        )}
        {message.poll && <PollCard message={message} poll={message.poll} />}
        <MessageFiles message={message} />
        <LinkPreviews message={message} />
        <Reactions message={message} />
        {scope.root === undefined && <ThreadLink message={message} />}
        <Delivery message={message} />
        <SeenBy message={message} />
      </div>
      {(isPointedAt || isBusy) && !isEditing && !message.isDeleted && message.seq !== undefined && (
        <Toolbar message={message} onBusy={setBusy} />
      )}
    </article>
  );
});

function Body({ message }: { message: Message }) {
  const { t } = useText();
  const marks = useMarks(message);
  if (message.isDeleted) return <p className="tombstone">{t("message.deleted")}</p>;
  if (!message.text) return null;
  return (
    <div className="text" dir="auto">
      <Markdown text={message.text} marks={marks} />
      {message.isEdited && <span className="edited">{t("message.edited")}</span>}
    </div>
  );
}

function useMarks(message: Message): Mark[] {
  const me = useMe();
  const mentioned = usePersons(message.mentions);
  return useMemo(() => {
    const marks = mentioned.flatMap(({ id, name, profile }): Mark[] => {
      const labels = [name, profile.handle].filter((it) => it !== undefined);
      const draw: Mark["draw"] = (name, look) => (
        <PersonButton id={id} className={look}>
          {name}
        </PersonButton>
      );
      return labels.map((label) => ({ label: `@${label}`, isMe: id === me, draw }));
    });
    return message.mentionsEveryone ? [...marks, { label: "@everyone", isMe: true }] : marks;
  }, [mentioned, message.mentionsEveryone, me]);
}

function ThreadLink({ message }: { message: Message }) {
  const { t } = useText();
  const scope = useScope();
  if (!message.thread || message.thread.replies === 0) return null;
  const { replies, lastAtMs } = message.thread;
  return (
    <button type="button" className="thread-link" onClick={() => scope.openThread(message)}>
      <MessageSquareText size={15} strokeWidth={1.75} aria-hidden />
      <strong>{t("thread.replies", { n: replies })}</strong>
      <span>{t("thread.last", { when: agoOf(lastAtMs) })}</span>
    </button>
  );
}

const QUICK = ["👍", "❤️", "👀"];

function Toolbar({ message, onBusy }: { message: Message; onBusy: (isBusy: boolean) => void }) {
  const { t } = useText();
  const scope = useScope();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const react = (emoji: string) => void message.react(emoji).catch(scope.fail);
  return (
    <div className="message-toolbar" role="toolbar" aria-label={t("message.actions")}>
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          className="icon-button quick-emoji"
          aria-label={t("action.react-with", { emoji })}
          onClick={() => react(emoji)}
        >
          {emoji}
        </button>
      ))}
      <EmojiButton icon={SmilePlus} label={t("action.react")} onPick={react} onOpenChange={onBusy} />
      {scope.root === undefined && (
        <IconButton
          icon={MessageSquareText}
          label={t("action.thread")}
          onClick={() => scope.openThread(message)}
        />
      )}
      <MoreMenu
        message={message}
        isOpen={isMenuOpen}
        onOpenChange={(isOpen) => {
          setMenuOpen(isOpen);
          onBusy(isOpen);
        }}
      />
    </div>
  );
}
