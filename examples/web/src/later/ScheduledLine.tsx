/** Says above the composer that something will be sent here later. */

import type { RoomId } from "@parlour/client";
import { CalendarClock } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useText } from "../i18n/text.ts";
import { Button } from "../ui/Button.tsx";
import { useSchedule } from "./lists.ts";

const ScheduledDialog = lazy(() => import("./ScheduledDialog.tsx"));

/** The line, where there is something. */
export function ScheduledLine({ room, root }: { room: RoomId; root: number | undefined }) {
  const { t } = useText();
  const { items } = useSchedule();
  const [isOpen, setOpen] = useState(false);
  const here = items.filter((it) => it.room === room && it.draft.threadRoot === root);
  const failed = here.filter(({ state }) => state === "failed").length;
  if (here.length === 0 && !isOpen) return null;
  return (
    <p className="scheduled-line">
      <CalendarClock size={14} aria-hidden />
      <span>{failed > 0 ? t("schedule.failed", { n: failed }) : t("schedule.here", { n: here.length })}</span>
      <Button look="quiet" onClick={() => setOpen(true)}>
        {t("schedule.show")}
      </Button>
      <Suspense>{isOpen && <ScheduledDialog onClose={() => setOpen(false)} />}</Suspense>
    </p>
  );
}
