/** Where messages are written. What is sent stands in the timeline at once, and waits there if it has to. */

import type { RoomSummary } from "@parlour/client";
import { type ClipboardEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { filesIn } from "../files/Dropping.tsx";
import { FILES_MAX } from "../files/desk.ts";
import { useDesk } from "../files/desks.ts";
import { Tray } from "../files/Tray.tsx";
import { useText } from "../i18n/text.ts";
import { ScheduledLine } from "../later/ScheduledLine.tsx";
import { PaceLine } from "../rooms/RoomPace.tsx";
import { useScope } from "../timeline/scope.tsx";
import { toast } from "../ui/toast.tsx";
import { Answering } from "./Answering.tsx";
import { ComposerTools } from "./ComposerTools.tsx";
import { Field, type FieldHandle } from "./Field.tsx";
import { FormatBar } from "./FormatBar.tsx";
import { conversationOf, useMentionable } from "./mentioning.ts";
import { Speaking } from "./Speaking.tsx";
import { useSending } from "./sending.ts";
import { useWriting } from "./writing.ts";

interface Props {
  summary: RoomSummary | undefined;
  placeholder: string;
  /** The last own message, to be edited with the arrow up. */
  onEditLast: () => void;
  /** Something was sent. */
  onSent?: (() => void) | undefined;
}

/** The composer of a conversation; it has the conversation's key, so that each has its own. */
export function Composer({ summary, placeholder, onEditLast, onSent }: Props) {
  const scope = useScope();
  const { room, root } = scope;
  const field = useRef<FieldHandle>(null);
  const { desk, state } = useDesk(room, root);
  const writing = useWriting();
  const { draft } = writing;
  const { isEmpty, send, schedule } = useSending(writing, onSent);
  const [isFormatting, setFormatting] = useState(false);
  const [isSpeaking, setSpeaking] = useState(false);
  const addFiles = useAddFiles(() => field.current?.focus());
  useFocus(() => field.current?.focus());
  useMentionable(conversationOf(room.id, root), ({ name, id }) => {
    field.current?.insert(`@${name} `);
    writing.mention(name, id);
  });
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
  if (isSpeaking) return <Speaking onEnd={endSpeaking} />;
  return (
    <>
      {summary && <PaceLine summary={summary} root={root} />}
      <ScheduledLine room={room.id} root={root} />
      <div className="composer" onPaste={(event) => paste(event, addFiles)}>
        {scope.answering && <Answering />}
        <Tray desk={desk} uploads={state.tray} />
        {isFormatting && <FormatBar onFormat={(how) => field.current?.format(how)} />}
        <Field
          ref={field}
          text={draft.text}
          label={placeholder}
          placeholder={placeholder}
          summary={summary}
          onText={writing.write}
          onMention={writing.mention}
          onSubmit={send}
          onKey={handleKey}
        />
        <ComposerTools
          isEmpty={isEmpty}
          isUp={state.tray.every((upload) => upload.state.is === "done")}
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

/** The field has the focus from the start, and whenever something is to be answered. */
function useFocus(focus: () => void): void {
  const { answering } = useScope();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is answered decides, not the function.
  useEffect(() => {
    if (answering) focus();
  }, [answering]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once.
  useEffect(() => {
    // On a phone the keyboard would come up with every room.
    if (matchMedia("(hover: hover)").matches) focus();
  }, []);
}

function useAddFiles(onAdded: () => void): (files: File[]) => void {
  const { t } = useText();
  const { room, root } = useScope();
  const { desk } = useDesk(room, root);
  return (files) => {
    if (desk.add(files) > 0) toast(t("files.too-many", { n: FILES_MAX }));
    onAdded();
  };
}

function paste(event: ClipboardEvent, onFiles: (files: File[]) => void): void {
  // Office programs put a picture of what is copied beside its text.
  if (event.clipboardData.types.includes("text/plain")) return;
  const files = filesIn(event.clipboardData);
  if (files.length === 0) return;
  event.preventDefault();
  onFiles(files);
}
