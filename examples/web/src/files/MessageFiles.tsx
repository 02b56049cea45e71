/** The files of a message: pictures and films to look at, sound to hear, everything else to take along. */

import type { Attachment, Message } from "@parlour/client";
import { attachmentLink, download } from "@parlour/client/files";
import { Download, ImageOff } from "lucide-react";
import { useText } from "../i18n/text.ts";
import { type Fetched, useBlobUrl } from "../sdk/blob-urls.ts";
import { useClient } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { endingOf, fitIn, kindOf, sizeOf } from "./measures.ts";
import { Sound } from "./Sound.tsx";
import { ICONS } from "./Tray.tsx";
import { Video } from "./Video.tsx";

const ALONE = { width: 420, height: 320 };
const BESIDE = { width: 208, height: 156 };
/** A picture without a smaller one is fetched whole up to this size. */
const WHOLE_BYTES_MAX = 4 * 1024 * 1024;

/** All files, those that are looked at first. */
export function MessageFiles({ message }: { message: Message }) {
  const { t } = useText();
  const { attachments } = message;
  if (attachments.length === 0) return null;
  const pictures = attachments.filter((it) => kindOf(it) === "picture");
  const others = attachments.filter((it) => kindOf(it) !== "picture");
  return (
    <div className="files">
      {pictures.length > 0 && (
        <ul className="pictures" aria-label={t("files.pictures")}>
          {pictures.map((picture) => (
            <li key={picture.hash}>
              <Picture message={message} attachment={picture} isAlone={pictures.length === 1} />
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul className="files-list" aria-label={t("files.title")}>
          {others.map((file) => (
            <li key={file.hash}>
              <Other message={message} attachment={file} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface FileProps {
  message: Message;
  attachment: Attachment;
}

function Other({ message, attachment }: FileProps) {
  const kind = kindOf(attachment);
  if (kind === "sound") return <Sound message={message} attachment={attachment} />;
  if (kind === "video") return <Video message={message} attachment={attachment} />;
  return <FileCard message={message} attachment={attachment} />;
}

function Picture({ message, attachment, isAlone }: FileProps & { isAlone: boolean }) {
  const { t } = useText();
  const scope = useScope();
  const { url, isFailed } = usePicture(message, attachment);
  const { width, height } = isAlone ? fitIn(attachment, ALONE) : BESIDE;
  const name = nameOf(attachment, t("attachment.unnamed"));
  return (
    <button
      type="button"
      className={`picture ${isAlone ? "" : "picture-beside"}`}
      style={{ inlineSize: width, aspectRatio: `${width} / ${height}` }}
      aria-label={t("files.show", { name })}
      onClick={() => scope.showPicture(message, attachment.hash)}
    >
      {url && <img src={url} alt={attachment.description || name} draggable={false} />}
      {isFailed && <ImageOff size={24} strokeWidth={1.5} aria-hidden />}
      {attachment.mediaType === "image/gif" && <span className="picture-tag">GIF</span>}
    </button>
  );
}

/** A picture as small as it is shown in a timeline, or as a large picture's first sight. */
export function usePicture(message: Message, attachment: Attachment): Fetched {
  const client = useClient();
  const isSmall = !attachment.hasPreview;
  const isWanted =
    attachment.hasPreview || (kindOf(attachment) === "picture" && attachment.size < WHOLE_BYTES_MAX);
  const key = isWanted ? `${isSmall ? "whole" : "preview"} ${attachment.hash}` : undefined;
  return useBlobUrl(client, key, () => download(client, message, attachment, { preview: !isSmall }));
}

/** A file that browsers don't show: its name, and a way to have it. */
export function FileCard({ message, attachment }: FileProps) {
  const { t, language } = useText();
  const Icon = ICONS[kindOf(attachment)];
  const save = useSaving(message);
  const name = nameOf(attachment, t("attachment.unnamed"));
  const facts = [sizeOf(attachment.size, language.tag), endingOf(attachment.name)]
    .filter(Boolean)
    .join(" · ");
  return (
    <button type="button" className="file-card" onClick={() => void save(attachment)}>
      <span className="file-icon">
        <Icon size={20} strokeWidth={1.5} aria-hidden />
      </span>
      <span className="file-words">
        <bdi className="file-name">{name}</bdi>
        <span className="file-facts">{facts}</span>
      </span>
      <span className="visually-hidden">{t("files.download")}</span>
      <Download size={16} strokeWidth={1.75} className="file-save" aria-hidden />
    </button>
  );
}

/** Saves files of a message where the browser saves files; said where that doesn't work. */
export function useSaving(message: Message): (attachment: Attachment) => Promise<void> {
  const client = useClient();
  const scope = useScope();
  return async (attachment) => {
    try {
      const link = new URL(await attachmentLink(client, message, attachment), location.href);
      if (attachment.name) link.searchParams.set("name", attachment.name);
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.download = attachment.name;
      anchor.click();
    } catch (error) {
      scope.fail(error);
    }
  };
}

/** What a file is called. */
export function nameOf({ name, description }: Attachment, otherwise: string): string {
  return name || description || otherwise;
}
