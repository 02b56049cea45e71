/** All that will be sent later, and what can be done about it until then. */

import type { Schedule, Scheduled } from "@parlour/client/schedule";
import { CalendarClock, CircleAlert, Paperclip } from "lucide-react";
import { useState } from "react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useRoomName } from "../rooms/names.ts";
import { useClient, useRoomSummary } from "../sdk/context.tsx";
import { failureText, refusalText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { useSchedule } from "./lists.ts";
import { TimePicker } from "./TimePicker.tsx";
import { mornings } from "./times.ts";

/** The dialog. */
export default function ScheduledDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { list, items } = useSchedule();
  const sorted = items.toSorted((a, b) => a.sendAtMs - b.sendAtMs);
  return (
    <Dialog title={t("schedule.all")} onClose={onClose} className="dialog-wide">
      {items.length === 0 && <p className="empty-line">{t("schedule.none")}</p>}
      <ul className="scheduled">
        {list &&
          sorted.map((scheduled) => (
            <li key={scheduled.id}>
              <One schedule={list} scheduled={scheduled} />
            </li>
          ))}
      </ul>
    </Dialog>
  );
}

function One({ schedule, scheduled }: { schedule: Schedule; scheduled: Scheduled }) {
  const { t } = useText();
  const client = useClient();
  const name = useRoomName(useRoomSummary(scheduled.room));
  const [isMoving, setMoving] = useState(false);
  const { id, room, draft, sendAtMs, state, error } = scheduled;
  const attempt = (doing: Promise<unknown>) => void doing.catch((why: unknown) => toast(failureText(why, t)));
  const sendNow = async () => {
    // Taken back first: it must not be sent twice.
    await schedule.cancel(id);
    const { sent } = await client.room(room).queue(draft);
    void sent.catch(() => undefined);
  };
  const isFixed = state === "sending";
  return (
    <>
      <p className="scheduled-when">
        <CalendarClock size={14} aria-hidden />
        <span>{t("schedule.when", { name, when: momentOf(sendAtMs) })}</span>
      </p>
      <p className="scheduled-text" dir="auto">
        {draft.text || draft.poll?.question}
      </p>
      {draft.attachments?.map((attachment) => (
        <p key={attachment.hash} className="hit-file">
          <Paperclip size={13} aria-hidden /> <bdi>{attachment.name || t("attachment.unnamed")}</bdi>
        </p>
      ))}
      {state === "failed" && (
        <p className="delivery delivery-failed">
          <CircleAlert size={14} aria-hidden />
          <span>{error ? refusalText(error, t) : t("error.refused")}</span>
        </p>
      )}
      {isMoving && (
        <TimePicker
          offered={mornings(Date.now())}
          label={t("schedule.move-to")}
          onChoose={(atMs) => {
            setMoving(false);
            attempt(schedule.update(scheduled, { sendAtMs: atMs }));
          }}
        />
      )}
      <div className="scheduled-tools">
        <Button look="quiet" disabled={isFixed} onClick={() => attempt(sendNow())}>
          {t("schedule.now")}
        </Button>
        <Button look="quiet" disabled={isFixed} aria-expanded={isMoving} onClick={() => setMoving(!isMoving)}>
          {t("schedule.move")}
        </Button>
        <Button look="quiet" disabled={isFixed} onClick={() => attempt(schedule.cancel(id))}>
          {t("action.delete")}
        </Button>
      </div>
    </>
  );
}
