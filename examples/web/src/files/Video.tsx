/** A film: its first picture, and the browser's own player once somebody wants to see it. */

import type { Attachment, Message } from "@parlour/client";
import { attachmentLink } from "@parlour/client/files";
import { Play } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { useClient } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { FileCard, nameOf, usePicture } from "./MessageFiles.tsx";
import { fitIn, lengthOf, sizeOf } from "./measures.ts";

const LARGEST = { width: 460, height: 320 };

/** The player. What the browser can't play is a file. */
export function Video({ message, attachment }: { message: Message; attachment: Attachment }) {
  const { t, language } = useText();
  const client = useClient();
  const scope = useScope();
  const [link, setLink] = useState<string>();
  const [isUnplayable, setUnplayable] = useState(false);
  const { url } = usePicture(message, attachment);
  const { width, height } = fitIn(attachment, LARGEST);
  const style = { inlineSize: width, aspectRatio: `${width} / ${height}` };
  const name = nameOf(attachment, t("attachment.unnamed"));
  if (isUnplayable) return <FileCard message={message} attachment={attachment} />;
  if (link) {
    return (
      // biome-ignore lint/a11y/useMediaCaption: a film that somebody has sent has no captions of its own.
      <video
        className="video"
        style={style}
        src={link}
        poster={url}
        controls
        autoPlay
        aria-label={name}
        onError={() => setUnplayable(true)}
      />
    );
  }
  const play = () => void attachmentLink(client, message, attachment).then(setLink, scope.fail);
  const length = attachment.durationMs > 0 ? lengthOf(attachment.durationMs, language.tag) : "";
  return (
    <button
      type="button"
      className="picture video"
      style={style}
      aria-label={t("files.play", { name })}
      onClick={play}
    >
      {url && <img src={url} alt="" draggable={false} />}
      <span className="video-play">
        <Play size={22} fill="currentColor" strokeWidth={0} aria-hidden />
      </span>
      <span className="picture-tag">{length || sizeOf(attachment.size, language.tag)}</span>
    </button>
  );
}
