/** Being reminded of a message. */

import type { Message } from "@parlour/client";
import { useState } from "react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useClient } from "../sdk/context.tsx";
import { summaryOf } from "../timeline/Quote.tsx";
import { useScope } from "../timeline/scope.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { kept } from "./kept.ts";
import { openReminders } from "./lists.ts";
import { TimePicker } from "./TimePicker.tsx";
import { reminderTimes } from "./times.ts";

const NOTE_MAX = 240;

/** The dialog. */
export default function RemindDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const scope = useScope();
  const [note, setNote] = useState("");
  const [offered] = useState(() => reminderTimes(Date.now()));
  const remind = async (atMs: number) => {
    onClose();
    try {
      const reminders = await kept(client, openReminders);
      const about = { room: message.room, seq: message.seq ?? 0 };
      await reminders.set(atMs, { about, text: note.trim() });
      toast(t("remind.set", { when: momentOf(atMs) }));
    } catch (error) {
      scope.fail(error);
    }
  };
  return (
    <Dialog title={t("remind.title")} onClose={onClose}>
      <blockquote className="delete-quote" dir="auto">
        {summaryOf(message, "")}
      </blockquote>
      <label className="labelled">
        {t("remind.note")}
        <input
          className="field"
          value={note}
          maxLength={NOTE_MAX}
          onChange={({ target }) => setNote(target.value)}
        />
      </label>
      <TimePicker offered={offered} label={t("remind.go")} onChoose={(atMs) => void remind(atMs)} />
    </Dialog>
  );
}
