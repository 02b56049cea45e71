/** Something secret that the server tells once: shown until the dialog is closed, and nowhere else. */

import { Check, Copy, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { toast } from "../../ui/toast.tsx";
import { stampOf } from "../format.ts";
import { useAdminText } from "../text.ts";

/** What is told. */
export interface Told {
  readonly title: string;
  /** Who gets it, and what it is for. */
  readonly why: string;
  readonly text: string;
  /** Until when it is good; absent for ever. */
  readonly expiresMs?: number | undefined;
}

/** The dialog. */
export function SecretDialog({ told, onClose }: { told: Told; onClose: () => void }) {
  const { t, common } = useAdminText();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(told.text);
      setCopied(true);
    } catch {
      toast(t("secret.no-clipboard"));
    }
  };
  return (
    <Dialog
      title={told.title}
      onClose={onClose}
      className="dialog-wide"
      actions={
        <Button look={isCopied ? "main" : "plain"} onClick={onClose}>
          {t("secret.done")}
        </Button>
      }
    >
      <p>{told.why}</p>
      <div className="secret">
        <output className="secret-text" dir="ltr" aria-label={told.title}>
          {told.text}
        </output>
        <Button look={isCopied ? "plain" : "main"} data-autofocus onClick={() => void copy()}>
          {isCopied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
          {common(isCopied ? "action.copied" : "action.copy")}
        </Button>
      </div>
      {told.expiresMs !== undefined && (
        <p className="soft">{t("secret.until", { when: stampOf(told.expiresMs) })}</p>
      )}
      <p className="secret-once">
        <TriangleAlert size={16} aria-hidden /> {t("secret.once")}
      </p>
    </Dialog>
  );
}
