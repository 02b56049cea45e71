/** Whether to leave a room. */

import type { RoomSummary } from "@parlour/client";
import { go, hashOf } from "../app/route.ts";
import { useText } from "../i18n/text.ts";
import { useRoom } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";

/** The dialog. */
export function LeaveDialog({ summary, onClose }: { summary: RoomSummary; onClose: () => void }) {
  const { t } = useText();
  const room = useRoom(summary.id);
  const leave = async () => {
    onClose();
    try {
      await room.leave();
      go(hashOf.home());
    } catch (error) {
      toast(failureText(error, t));
    }
  };
  return (
    <Dialog
      title={t("leave.title", { name: summary.name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" data-autofocus onClick={() => void leave()}>
            {t("room.leave")}
          </Button>
        </>
      }
    >
      <p>{t(summary.isOpen ? "leave.open" : "leave.closed")}</p>
    </Dialog>
  );
}
