/** Where messages are written. What is sent stands in the timeline at once, and waits there if it has to. */

import type { Draft, RoomSummary, UserId } from "@parlour/client";
import { type ClipboardEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { filesIn } from "../files/Dropping.tsx";
import { attachmentsOf, FILES_MAX } from "../files/desk.ts";
import { useDesk } from "../files/desks.ts";
import { Tray } from "../files/Tray.tsx";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { kept } from "../later/kept.ts";
import { openSchedule } from "../later/lists.ts";
import { ScheduledLine } from "../later/ScheduledLine.tsx";
import { useScope } from "../timeline/scope.tsx";
import { toast } from "../ui/toast.tsx";
import { VoiceBar } from "../voice/VoiceBar.tsx";
import { Answering } from "./Answering.tsx";
import { ComposerTools } from "./ComposerTools.tsx";
import { type DraftText, keepDraft, mentionsIn, readDraft } from "./draft.ts";
import { Field, type FieldHandle } from "./Field.tsx";
import { FormatBar } from "./FormatBar.tsx";
import { useSharedDraft } from "./shared-draft.ts";

interface Props {
  summary: RoomSummary | undefined;
  placeholder: string;
  /** The last own message, to be edited with the arrow up. */
  onEditLast: () => void;
  /** Something was sent. */
  onSent?: (() => void) | undefined;
}

const TEXT_BYTES_MAX = 16 * 1024;
const SAVE_AFTER_MS = 300;

/** The composer of a conversation; it has the conversation's key, so that each has its own. */
export function Composer({ summary, placeholder, onEditLast, onSent }: Props) {
  const { t } = useText();
  const scope = useScope();
  const { room, root } = scope;
  const field = useRef<FieldHandle>(null);
  const { desk, state } = useDesk(room, root);
  const [draft, setDraft] = useState<DraftText>(() => readDraft(room, root));
  const [isFormatting, setFormatting] = useState(false);
  const [isSpeaking, setSpeaking] = useState(false);
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
  const isEmpty = draft.text.trim() === "" && state.tray.length === 0;
  /** What is written, as a message; nothing where it can't be one. */
  const take = (): Draft | undefined => {
    const text = draft.text.trim();
    if (isEmpty) return undefined;
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) {
      toast(t("error.too-long"));
      return undefined;
    }
    return {
      text,
      mentions: mentionsIn(draft),
      mentionsEveryone: root === undefined && /(?:^|\s)@everyone\b/.test(text),
      replyTo: scope.answering?.seq,
      threadRoot: root,
    };
  };
  const clear = () => {
    const rest = { ...draft, text: "", mentions: {} };
    setDraft(rest);
    keepDraft(room, root, rest);
    scope.answer(undefined);
    if (root === undefined) room.typing(false);
    onSent?.();
  };
  const send = () => {
    const message = take();
    if (!message) return;
    clear();
    if (state.tray.length > 0) desk.send(message);
    // What becomes of it stands in the timeline.
    else room.queue(message).then(({ sent }) => void sent.catch(() => undefined), scope.fail);
  };
  const isUp = state.tray.every((upload) => upload.state.is === "done");
  const schedule = async (atMs: number) => {
    const message = take();
    if (!message) return;
    try {
      const list = await kept(room.client, openSchedule);
      await list.send(room.id, { ...message, attachments: attachmentsOf(state.tray) }, atMs);
      for (const { key } of state.tray) desk.remove(key);
      clear();
      toast(t("schedule.done", { when: momentOf(atMs) }));
    } catch (error) {
      scope.fail(error);
    }
  };
  const addFiles = (files: File[]) => {
    if (desk.add(files) > 0) toast(t("files.too-many", { n: FILES_MAX }));
    field.current?.focus();
  };
  const paste = (event: ClipboardEvent) => {
    // Office programs put a picture of what is copied beside its text.
    if (event.clipboardData.types.includes("text/plain")) return;
    const files = filesIn(event.clipboardData);
    if (files.length === 0) return;
    event.preventDefault();
    addFiles(files);
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
  const endSpeaking = () => {
    setSpeaking(false);
    setTimeout(() => field.current?.focus(), 0);
  };
  if (isSpeaking) {
    return (
      <div className="composer">
        <VoiceBar
          onCancel={endSpeaking}
          onDone={(file) => {
            desk.sendAlone(file, { replyTo: scope.answering?.seq, threadRoot: root });
            scope.answer(undefined);
            endSpeaking();
          }}
        />
      </div>
    );
  }
  return (
    <>
      <ScheduledLine room={room.id} root={root} />
      <div className="composer" onPaste={paste}>
        {scope.answering && <Answering />}
        <Tray desk={desk} uploads={state.tray} />
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
        <ComposerTools
          isEmpty={isEmpty}
          isUp={isUp}
          onSchedule={(atMs) => void schedule(atMs)}
          isFormatting={isFormatting}
          onFormatting={() => setFormatting(!isFormatting)}
          onEmoji={(emoji) => field.current?.insert(emoji)}
          onFiles={addFiles}
          onSpeak={() => setSpeaking(true)}
          onSend={send}
        />
      </div>
    </>
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
