/** What a message carries besides its text: files, and what its links' pages say of themselves. */

import type { Attachment, Message } from "@parlour/client";
import type { LinkPreview } from "@parlour/client/proto";
import { fieldOf } from "@parlour/client/proto";
import * as rpc from "@parlour/client/rpc";
import { FileText, Image, Mic, X } from "lucide-react";
import { useText } from "../i18n/text.ts";
import { safeHref } from "../markdown/link.ts";
import { useClient } from "../sdk/context.tsx";
import { IconButton } from "../ui/Button.tsx";
import { useScope } from "./scope.tsx";

/** The files. */
export function Attachments({ message }: { message: Message }) {
  if (message.attachments.length === 0) return null;
  return (
    <ul className="attachments">
      {message.attachments.map((attachment) => (
        <li key={attachment.hash}>
          <File message={message} attachment={attachment} />
        </li>
      ))}
    </ul>
  );
}

function File({ message, attachment }: { message: Message; attachment: Attachment }) {
  const { t, language } = useText();
  const client = useClient();
  const scope = useScope();
  const Icon = attachment.isVoice ? Mic : attachment.mediaType.startsWith("image/") ? Image : FileText;
  const open = async () => {
    const hash = Uint8Array.from(attachment.hash.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
    const { path } = await client.call(rpc.LinkAttachment, {
      room: fieldOf(message.room),
      seq: message.seq ?? 0,
      hash,
    });
    window.open(path, "_blank", "noopener");
  };
  return (
    <button type="button" className="attachment" onClick={() => void open().catch(scope.fail)}>
      <Icon size={20} strokeWidth={1.5} aria-hidden />
      <span>
        <span className="attachment-name" dir="auto">
          {attachment.name || attachment.description || t("attachment.unnamed")}
        </span>
        <span className="attachment-size">{sizeOf(attachment.size, language.tag)}</span>
      </span>
    </button>
  );
}

function sizeOf(bytes: number, tag: string): string {
  const [unit, by] = bytes < 1e6 ? (["kilobyte", 1e3] as const) : (["megabyte", 1e6] as const);
  const options = { style: "unit", unit, maximumFractionDigits: bytes < 1e6 ? 0 : 1 } as const;
  return new Intl.NumberFormat(tag, options).format(bytes / by);
}

/** The previews of its links: text that the pages' makers wrote, and nothing fetched from there. */
export function LinkPreviews({ message }: { message: Message }) {
  const { t } = useText();
  const scope = useScope();
  if (message.linkPreviews.length === 0) return null;
  return (
    <div className="previews">
      {message.linkPreviews.map((preview) => (
        <Preview key={preview.url} preview={preview} />
      ))}
      {message.isOwn && (
        <IconButton
          icon={X}
          size={14}
          label={t("message.hide-previews")}
          onClick={() => void message.hideLinkPreviews().catch(scope.fail)}
        />
      )}
    </div>
  );
}

function Preview({ preview }: { preview: LinkPreview }) {
  const href = safeHref(preview.url);
  if (!href) return null;
  return (
    <a className="preview" href={href} target="_blank" rel="noopener noreferrer nofollow" dir="auto">
      <span className="preview-site">{preview.siteName || new URL(href).host}</span>
      <span className="preview-title">{preview.title}</span>
      {preview.description && <span className="preview-text">{preview.description}</span>}
    </a>
  );
}
