/** Messages that were sent and wait for their files, at the end of the timeline. */

import { CircleAlert } from "lucide-react";
import { timeOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import { useMe, usePerson } from "../sdk/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import type { Desk, Leaving, Upload } from "./desk.ts";
import { uploadFailureText } from "./failure.ts";
import { kindOf, sizeOf } from "./measures.ts";
import { Progress, Thumb, useLocalPicture } from "./Tray.tsx";

/** All of a conversation. */
export function LeavingRows({ desk, all }: { desk: Desk; all: readonly Leaving[] }) {
  return all.map((leaving) => <LeavingRow key={leaving.key} desk={desk} leaving={leaving} />);
}

function LeavingRow({ desk, leaving }: { desk: Desk; leaving: Leaving }) {
  const { t } = useText();
  const me = useMe();
  const name = usePerson(me)?.name ?? t("person.you");
  const { draft, uploads, atMs } = leaving;
  const text = draft.text ?? "";
  return (
    <article
      className="message message-head message-sending"
      aria-label={t("message.label", { name, when: timeOf(atMs), text })}
    >
      <div className="message-side">
        <Avatar id={me} />
      </div>
      <div className="message-main">
        <header className="message-header">
          <strong className="message-name">
            <bdi>{name}</bdi>
          </strong>
          <time dateTime={new Date(atMs).toISOString()}>{timeOf(atMs)}</time>
        </header>
        {text && (
          <div className="text" dir="auto">
            <Markdown text={text} marks={[]} />
          </div>
        )}
        <ul className="leaving">
          {uploads.map((upload) => (
            <li key={upload.key}>
              <LeavingFile upload={upload} />
            </li>
          ))}
        </ul>
        <Standing desk={desk} leaving={leaving} />
      </div>
    </article>
  );
}

function LeavingFile({ upload }: { upload: Upload }) {
  const { t, language } = useText();
  const url = useLocalPicture(upload);
  const { file, isVoice, state } = upload;
  const name = isVoice ? t("voice.message") : file.name || t("attachment.unnamed");
  const size = state.is === "done" ? state.attachment.size : file.size;
  const bytes = state.is === "going" ? state.bytes : size;
  const progress = state.is === "going" && <Progress name={name} bytes={bytes} size={file.size} />;
  if (url && kindOf({ mediaType: file.type, isVoice }) === "picture") {
    return (
      <span className="leaving-picture">
        <img src={url} alt={name} />
        {progress}
      </span>
    );
  }
  return (
    <span className="tray-file">
      <Thumb upload={upload} />
      <span className="tray-words">
        <bdi className="tray-name">{name}</bdi>
        <span className="tray-size">{sizeOf(size, language.tag)}</span>
        {progress}
      </span>
    </span>
  );
}

/** What went wrong, and what can be done about it; while all goes well, a way to stop it. */
function Standing({ desk, leaving }: { desk: Desk; leaving: Leaving }) {
  const { t, language } = useText();
  const failed = leaving.uploads.find(({ state }) => state.is === "failed")?.state;
  const error = failed?.is === "failed" ? failed.error : leaving.error;
  if (error === undefined) {
    return (
      <p className="delivery">
        <span>{t("files.sending")}</span>
        <Button look="quiet" onClick={() => desk.discard(leaving.key)}>
          {t("action.cancel")}
        </Button>
      </p>
    );
  }
  return (
    <p className="delivery delivery-failed" role="alert">
      <CircleAlert size={14} aria-hidden />
      <span>{uploadFailureText(error, t, language.tag)}</span>
      <Button look="quiet" onClick={() => desk.retryMessage(leaving.key)}>
        {t("action.retry")}
      </Button>
      <Button look="quiet" onClick={() => desk.discard(leaving.key)}>
        {t("action.discard")}
      </Button>
    </p>
  );
}
