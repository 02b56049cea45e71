/** What the pages of a message's links say of themselves. */

import type { Message } from "@parlour/client";
import type { LinkPreview } from "@parlour/client/proto";
import { X } from "lucide-react";
import { useText } from "../i18n/text.ts";
import { safeHref } from "../markdown/link.ts";
import { IconButton } from "../ui/Button.tsx";
import { useScope } from "./scope.tsx";

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
