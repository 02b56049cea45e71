/** Where messages are written. What is sent stands in the timeline at once, and waits there if it has to. */

import type { RoomSummary, UserId } from "@parlour/client";
import {
  Bold,
  ChartBarBig,
  Code,
  Italic,
  Link,
  List,
  Quote as QuoteIcon,
  SendHorizontal,
  Smile,
  Strikethrough,
  Type,
  X,
} from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { EmojiButton } from "../emoji/EmojiButton.tsx";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useMe, usePerson } from "../sdk/context.tsx";
import { summaryOf } from "../timeline/Quote.tsx";
import { useScope } from "../timeline/scope.tsx";
import { IconButton } from "../ui/Button.tsx";
import { type DraftText, keepDraft, mentionsIn, readDraft } from "./draft.ts";
import { Field, type FieldHandle } from "./Field.tsx";
import type { Format } from "./format.ts";
import { NewPollDialog } from "./NewPollDialog.tsx";
import { useSharedDraft } from "./shared-draft.ts";

interface Props {
  summary: RoomSummary | undefined;
  placeholder: string;
  /** The last own message, to be edited with the arrow up. */
  onEditLast: () => void;
}

const TEXT_BYTES_MAX = 16 * 1024;
const SAVE_AFTER_MS = 300;

/** The composer of a conversation; it has the conversation's key, so that each has its own. */
export function Composer({ summary, placeholder, onEditLast }: Props) {
  const { t } = useText();
  const scope = useScope();
  const { room, root } = scope;
  const field = useRef<FieldHandle>(null);
  const [draft, setDraft] = useState<DraftText>(() => readDraft(room, root));
  const [isFormatting, setFormatting] = useState(false);
  const [isAsking, setAsking] = useState(false);
  useKeptDraft(draft);
  useSharedDraft(draft, setDraft);
  useEffect(() => {
    if (scope.answering) field.current?.focus();
  }, [scope.answering]);
  useEffect(() => {
    // On a phone the keyboard would come up with every room.
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, []);

  const write = (text: string) => {
    setDraft((before) => ({ ...before, text }));
    if (root === undefined) room.typing(text.trim() !== "");
  };
  const send = () => {
    const text = draft.text.trim();
    if (!text) return;
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) return scope.fail(new RangeError());
    const message = {
      text,
      mentions: mentionsIn(draft),
      mentionsEveryone: root === undefined && /(?:^|\s)@everyone\b/.test(text),
      replyTo: scope.answering?.seq,
      threadRoot: root,
    };
    const rest = { ...draft, text: "", mentions: {} };
    setDraft(rest);
    keepDraft(room, root, rest);
    scope.answer(undefined);
    if (root === undefined) room.typing(false);
    // What becomes of it stands in the timeline.
    room.queue(message).then(({ sent }) => void sent.catch(() => undefined), scope.fail);
  };
  const handleKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowUp" && draft.text === "") {
      event.preventDefault();
      onEditLast();
    } else if (event.key === "Escape" && scope.answering) {
      event.stopPropagation();
      scope.answer(undefined);
    }
  };
  return (
    <div className="composer">
      {scope.answering && <Answering />}
      {isFormatting && <FormatBar onFormat={(how) => field.current?.format(how)} />}
      <Field
        ref={field}
        text={draft.text}
        label={placeholder}
        placeholder={placeholder}
        summary={summary}
        onText={write}
        onMention={(name: string, user: UserId) =>
          setDraft((before) => ({ ...before, mentions: { ...before.mentions, [name]: user } }))
        }
        onSubmit={send}
        onKey={handleKey}
      />
      <div className="composer-tools">
        <IconButton
          icon={Type}
          label={t("composer.formatting")}
          isOn={isFormatting}
          onClick={() => setFormatting(!isFormatting)}
        />
        <EmojiButton icon={Smile} label={t("emoji.title")} onPick={(emoji) => field.current?.insert(emoji)} />
        <IconButton icon={ChartBarBig} label={t("poll.new")} onClick={() => setAsking(true)} />
        <span className="composer-hint">{t("composer.hint")}</span>
        <IconButton
          icon={SendHorizontal}
          className="send"
          label={t("composer.send")}
          disabled={draft.text.trim() === ""}
          onClick={send}
        />
      </div>
      {isAsking && <NewPollDialog onClose={() => setAsking(false)} />}
    </div>
  );
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

function Answering() {
  const { t } = useText();
  const { answering, answer } = useScope();
  const me = useMe();
  const sender = usePerson(answering?.sender ?? me);
  return (
    <div className="answering">
      <span dir="auto">
        <strong>{t("composer.answering", { name: sender?.name ?? "" })}</strong> {summaryOf(answering, "")}
      </span>
      <IconButton icon={X} size={15} label={t("action.cancel")} onClick={() => answer(undefined)} />
    </div>
  );
}

const FORMATS: readonly { label: Key; icon: typeof Bold; how: Format }[] = [
  { label: "format.bold", icon: Bold, how: { around: "**" } },
  { label: "format.italic", icon: Italic, how: { around: "_" } },
  { label: "format.strike", icon: Strikethrough, how: { around: "~~" } },
  { label: "format.code", icon: Code, how: { around: "`" } },
  { label: "format.link", icon: Link, how: { link: true } },
  { label: "format.list", icon: List, how: { before: "- " } },
  { label: "format.quote", icon: QuoteIcon, how: { before: "> " } },
];

function FormatBar({ onFormat }: { onFormat: (how: Format) => void }) {
  const { t } = useText();
  return (
    <div className="format-bar" role="toolbar" aria-label={t("composer.formatting")}>
      {FORMATS.map(({ label, icon, how }) => (
        <IconButton
          key={label}
          icon={icon}
          size={16}
          label={t(label)}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onFormat(how)}
        />
      ))}
    </div>
  );
}
