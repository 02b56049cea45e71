/** A picture as large as the window, and the way from one to the next. */

import type { Attachment, Message } from "@parlour/client";
import { download } from "@parlour/client/files";
import { ChevronLeft, ChevronRight, Download, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { momentOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useBlobUrl } from "../sdk/blob-urls.ts";
import { useClient, useMe, usePerson } from "../sdk/context.tsx";
import { IconButton } from "../ui/Button.tsx";
import { nameOf, usePicture, useSaving } from "./MessageFiles.tsx";
import { sizeOf } from "./measures.ts";

/** A picture of a conversation. */
export interface Shown {
  readonly message: Message;
  readonly attachment: Attachment;
}

interface Props {
  /** All of the conversation, oldest first. */
  pictures: readonly Shown[];
  first: number;
  onClose: () => void;
}

/** Open for as long as it is drawn. */
export function Lightbox({ pictures, first, onClose }: Props) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const [at, setAt] = useState(first);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const shown = pictures[at];
  if (!shown) return null;
  const go = (by: number) => setAt((it) => Math.min(Math.max(it + by, 0), pictures.length - 1));
  const press = (event: KeyboardEvent) => {
    const isRtl = document.documentElement.dir === "rtl";
    if (event.key === "ArrowRight") go(isRtl ? -1 : 1);
    else if (event.key === "ArrowLeft") go(isRtl ? 1 : -1);
    else if (event.key === "Home") go(Number.NEGATIVE_INFINITY);
    else if (event.key === "End") go(Number.POSITIVE_INFINITY);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      className="lightbox"
      aria-label={t("files.pictures")}
      onKeyDown={press}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <Head shown={shown} at={at} of={pictures.length} onClose={onClose} />
      <Stage key={`${shown.message.key} ${shown.attachment.hash}`} shown={shown} onClose={onClose} />
      {pictures.length > 1 && (
        <>
          <IconButton
            icon={ChevronLeft}
            size={26}
            className="lightbox-step lightbox-before"
            label={t("files.before")}
            disabled={at === 0}
            onClick={() => go(-1)}
          />
          <IconButton
            icon={ChevronRight}
            size={26}
            className="lightbox-step lightbox-next"
            label={t("files.next")}
            disabled={at === pictures.length - 1}
            onClick={() => go(1)}
          />
        </>
      )}
    </dialog>
  );
}

interface HeadProps {
  shown: Shown;
  at: number;
  of: number;
  onClose: () => void;
}

function Head({ shown: { message, attachment }, at, of, onClose }: HeadProps) {
  const { t, language } = useText();
  const me = useMe();
  const sender = usePerson(message.sender ?? me);
  const save = useSaving(message);
  const name = nameOf(attachment, t("attachment.unnamed"));
  return (
    <header className="lightbox-head">
      <div className="lightbox-words">
        <bdi className="lightbox-name">{name}</bdi>
        <p>
          <bdi>{sender?.name}</bdi> · {momentOf(message.atMs)} · {sizeOf(attachment.size, language.tag)}
        </p>
      </div>
      {of > 1 && (
        <span className="lightbox-count" role="status">
          {t("files.place", { n: at + 1, of })}
        </span>
      )}
      <IconButton icon={Download} label={t("files.save", { name })} onClick={() => void save(attachment)} />
      <IconButton icon={X} label={t("action.close")} data-autofocus onClick={onClose} />
    </header>
  );
}

/** The picture: the small one until the whole is there; pressed, it is as large as it is. */
function Stage({ shown: { message, attachment }, onClose }: { shown: Shown; onClose: () => void }) {
  const { t } = useText();
  const client = useClient();
  const [isNatural, setNatural] = useState(false);
  const small = usePicture(message, attachment);
  const whole = useBlobUrl(client, `whole ${attachment.hash}`, () => download(client, message, attachment));
  const url = whole.url ?? small.url;
  const name = attachment.description || nameOf(attachment, t("attachment.unnamed"));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: beside the picture is a second way to close it.
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard it is closed with Escape.
    <div
      className={`stage ${isNatural ? "stage-natural" : ""}`}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      {url ? (
        <button
          type="button"
          className="stage-picture"
          aria-label={t(isNatural ? "files.fit" : "files.natural", { name })}
          onClick={() => setNatural(!isNatural)}
        >
          <img
            src={url}
            alt={name}
            width={attachment.width || undefined}
            height={attachment.height || undefined}
          />
        </button>
      ) : (
        <p className="stage-wait" role="status">
          {t(whole.isFailed ? "files.cannot-show" : "state.loading")}
        </p>
      )}
      {!whole.url && !whole.isFailed && <span className="spinner stage-spinner" aria-hidden />}
    </div>
  );
}
