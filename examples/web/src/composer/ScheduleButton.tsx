/** Sending what is written later. */

import { CalendarClock } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { TimePicker } from "../later/TimePicker.tsx";
import { mornings } from "../later/times.ts";
import { IconButton } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";

interface Props {
  isDisabled: boolean;
  onSchedule: (atMs: number) => void;
}

/** The button, and the dialog that asks when. */
export function ScheduleButton({ isDisabled, onSchedule }: Props) {
  const { t } = useText();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <IconButton
        icon={CalendarClock}
        label={t("schedule.later")}
        disabled={isDisabled}
        onClick={() => setAsking(true)}
      />
      {isAsking && (
        <Dialog title={t("schedule.title")} onClose={() => setAsking(false)}>
          <TimePicker
            offered={mornings(Date.now())}
            label={t("schedule.go")}
            onChoose={(atMs) => {
              setAsking(false);
              onSchedule(atMs);
            }}
          />
        </Dialog>
      )}
    </>
  );
}
