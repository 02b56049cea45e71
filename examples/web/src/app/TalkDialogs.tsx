/** What stands above a conversation: a question, a picture, a dialog about one message. */

import type { Message, QueuedSend, TimelineItem } from "@parlour/client";
import { useState } from "react";
import { Lightbox, type Shown } from "../files/Lightbox.tsx";
import { kindOf } from "../files/measures.ts";
import { useText } from "../i18n/text.ts";
import { AskedDialog } from "../timeline/AskedDialog.tsx";
import { useScope } from "../timeline/scope.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import type { Above } from "./talk.ts";

/** How long a deletion can be undone. */
const UNDO_MS = 8000;

interface Props {
  above: Above;
  items: readonly TimelineItem[];
  onClose: () => void;
}

/** The one that is open, if any. */
export function TalkDialogs({ above: { asking, picture, deleting }, items, onClose }: Props) {
  return (
    <>
      {asking && <AskedDialog asking={asking} onClose={onClose} />}
      {picture && <Pictures items={items} shown={picture} onClose={onClose} />}
      {deleting && <DeleteDialog message={deleting} onClose={onClose} />}
    </>
  );
}

interface PicturesProps {
  items: readonly TimelineItem[];
  shown: { message: Message; hash: string };
  onClose: () => void;
}

/** All pictures of the conversation that are loaded, as it was when one was opened. */
function Pictures({ items, shown: { message, hash }, onClose }: PicturesProps) {
  const [pictures] = useState(() => items.flatMap(picturesOf));
  const first = pictures.findIndex((it) => it.message.key === message.key && it.attachment.hash === hash);
  return <Lightbox pictures={pictures} first={Math.max(first, 0)} onClose={onClose} />;
}

function picturesOf(item: TimelineItem): Shown[] {
  if (item.type !== "message") return [];
  const pictures = item.attachments.filter((attachment) => kindOf(attachment) === "picture");
  return pictures.map((attachment) => ({ message: item, attachment }));
}

function DeleteDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useText();
  const { fail } = useScope();
  const confirm = () => {
    const undone = (queued?: QueuedSend) =>
      queued && toast(t("delete.done"), { label: t("action.undo"), forMs: UNDO_MS, act: queued.discard });
    message.deleteAfter(UNDO_MS).then(undone).catch(fail);
    onClose();
  };
  return (
    <Dialog
      title={t("delete.title")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="danger" data-autofocus onClick={confirm}>
            {t("action.delete")}
          </Button>
        </>
      }
    >
      <p>{t("delete.question")}</p>
      <blockquote className="delete-quote" dir="auto">
        {message.text || message.poll?.asked.question || message.attachments[0]?.name}
      </blockquote>
    </Dialog>
  );
}
