/** The buttons under the field: what a message may carry besides its text, and sending it. */

import { ChartBarBig, Mic, Paperclip, SendHorizontal, Smile, Type } from "lucide-react";
import { useRef, useState } from "react";
import { EmojiButton } from "../emoji/EmojiButton.tsx";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { canRecord } from "../voice/recorder.ts";
import { NewPollDialog } from "./NewPollDialog.tsx";
import { ScheduleButton } from "./ScheduleButton.tsx";

interface Props {
  isEmpty: boolean;
  /** All files are on the server. */
  isUp: boolean;
  isFormatting: boolean;
  onFormatting: () => void;
  onEmoji: (emoji: string) => void;
  onFiles: (files: File[]) => void;
  onSpeak: () => void;
  onSchedule: (atMs: number) => void;
  onSend: () => void;
}

/** The row of buttons. */
export function ComposerTools(props: Props) {
  const { t } = useText();
  const picker = useRef<HTMLInputElement>(null);
  const [isAsking, setAsking] = useState(false);
  return (
    <div className="composer-tools">
      <IconButton icon={Paperclip} label={t("files.add")} onClick={() => picker.current?.click()} />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label={t("files.add")}
        onChange={({ target }) => {
          props.onFiles([...(target.files ?? [])]);
          // The same file again is a change, too.
          target.value = "";
        }}
      />
      <IconButton
        icon={Type}
        label={t("composer.formatting")}
        isOn={props.isFormatting}
        onClick={props.onFormatting}
      />
      <EmojiButton icon={Smile} label={t("emoji.title")} onPick={props.onEmoji} />
      <IconButton icon={ChartBarBig} label={t("poll.new")} onClick={() => setAsking(true)} />
      {canRecord() && <IconButton icon={Mic} label={t("voice.record")} onClick={props.onSpeak} />}
      <span className="composer-hint">{t("composer.hint")}</span>
      <ScheduleButton isDisabled={props.isEmpty || !props.isUp} onSchedule={props.onSchedule} />
      <IconButton
        icon={SendHorizontal}
        className="send"
        label={t("composer.send")}
        disabled={props.isEmpty}
        onClick={props.onSend}
      />
      {isAsking && <NewPollDialog onClose={() => setAsking(false)} />}
    </div>
  );
}
