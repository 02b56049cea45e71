/** Dialogs about a message, each fetched when it is opened first. */

import type { Message } from "@parlour/client";
import { type ComponentType, lazy, Suspense } from "react";
import type { Asking } from "./scope.tsx";

const DIALOGS: Record<Asking["what"], ComponentType<{ message: Message; onClose: () => void }>> = {
  forward: lazy(() => import("./ForwardDialog.tsx")),
  remind: lazy(() => import("../later/RemindDialog.tsx")),
  edits: lazy(() => import("./HistoryDialog.tsx")),
  seen: lazy(() => import("../receipts/SeenDialog.tsx")),
};

/** The dialog that was asked for. */
export function AskedDialog({ asking: { what, message }, onClose }: { asking: Asking; onClose: () => void }) {
  const Asked = DIALOGS[what];
  return (
    <Suspense>
      <Asked message={message} onClose={onClose} />
    </Suspense>
  );
}
