/** Doing something: dialogs that ask first, show what would happen, and say what didn't work. */

import { type ChangeOutcome, changeDirectory, type DirectoryChange } from "@parlour/client/admin";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Failure } from "../../ui/Failure.tsx";
import { toast } from "../../ui/toast.tsx";
import { changeWords } from "../audit/words.ts";
import { adminFailure } from "../failure.ts";
import { useLoaded } from "../loaded.ts";
import { type AdminKey, useAdminText } from "../text.ts";

/** Runs something once at a time; what it throws is said in words. */
export function useAct() {
  const { t, common } = useAdminText();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const act = async (run: () => Promise<void>) => {
    if (isBusy) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await run();
    } catch (error) {
      setFailure(adminFailure(error, t, common));
    } finally {
      setBusy(false);
    }
  };
  return { act, isBusy, failure };
}

interface AskProps {
  title: string;
  /** What the button says that does it. */
  label: string;
  isDanger?: boolean;
  isReady?: boolean;
  children?: ReactNode;
  /** Does it. The dialog closes afterwards, unless it throws. */
  onDo: () => Promise<void>;
  onClose: () => void;
}

/** A form, or a question, whose button does it. */
export function AskDialog({ title, label, isDanger, isReady = true, children, onDo, onClose }: AskProps) {
  const { common } = useAdminText();
  const form = useId();
  const { act, isBusy, failure } = useAct();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    void act(async () => {
      await onDo();
      onClose();
    });
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common("action.cancel")}</Button>
          <Button look={isDanger ? "danger" : "main"} type="submit" form={form} disabled={!isReady || isBusy}>
            {label}
          </Button>
        </>
      }
    >
      <form id={form} className="admin-form" onSubmit={submit}>
        {failure && <Failure text={failure} />}
        {children}
      </form>
    </Dialog>
  );
}

const OUTCOMES: Record<ChangeOutcome, AdminKey> = {
  none: "preview.none",
  created: "preview.created",
  changed: "preview.changed",
  removed: "preview.removed",
  unknown: "preview.unknown",
};

interface ChangeProps {
  title: string;
  label: string;
  isDanger?: boolean;
  changes: readonly DirectoryChange[];
  /** What else there is to know or to choose. */
  children?: ReactNode;
  onDone: () => void;
  onClose: () => void;
}

/** Asks before the directory is changed, and shows what the server says would happen. */
export function ChangeDialog({ title, label, isDanger, changes, children, onDone, onClose }: ChangeProps) {
  const { t, common } = useAdminText();
  const client = useClient();
  const preview = useLoaded(
    (options) => changeDirectory(client, changes, { ...options, dryRun: true }),
    JSON.stringify(changes),
  );
  const outcomes = preview.failure === undefined ? preview.value : undefined;
  return (
    <AskDialog
      title={title}
      label={label}
      {...(isDanger && { isDanger })}
      isReady={outcomes?.some((outcome) => outcome !== "none") ?? false}
      onClose={onClose}
      onDo={async () => {
        await changeDirectory(client, changes);
        toast(t("done"));
        onDone();
      }}
    >
      {children}
      {preview.failure !== undefined && <Failure text={adminFailure(preview.failure, t, common)} />}
      <section className="dry-run" aria-label={t("preview.title")} aria-busy={preview.isLoading}>
        <h3>{t("preview.title")}</h3>
        <ul>
          {changes.map((change, at) => {
            const outcome = outcomes?.[at];
            return (
              <li key={JSON.stringify(change)}>
                <span dir="auto">{changeWords(change, t)}</span>
                <span className={`tag tag-${outcome ?? "none"}`}>{outcome ? t(OUTCOMES[outcome]) : "…"}</span>
              </li>
            );
          })}
        </ul>
      </section>
    </AskDialog>
  );
}
