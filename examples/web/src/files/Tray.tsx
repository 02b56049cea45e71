/** The files of a message that is being written: what they are, how far they are, and a way to take them out. */

import { CircleAlert, FileText, Film, ImageIcon, type LucideIcon, Music, RotateCw, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import type { Desk, Upload } from "./desk.ts";
import { Unfit } from "./desks.ts";
import { uploadFailureText } from "./failure.ts";
import { type FileKind, kindOf, sizeOf } from "./measures.ts";

/** What stands for each kind of file. */
export const ICONS: Record<FileKind, LucideIcon> = {
  picture: ImageIcon,
  video: Film,
  sound: Music,
  file: FileText,
};

/** All that is in the tray. */
export function Tray({ desk, uploads }: { desk: Desk; uploads: readonly Upload[] }) {
  const { t } = useText();
  if (uploads.length === 0) return null;
  return (
    <ul className="tray" aria-label={t("files.tray")}>
      {uploads.map((upload) => (
        <li key={upload.key}>
          <TrayFile desk={desk} upload={upload} />
        </li>
      ))}
    </ul>
  );
}

function TrayFile({ desk, upload }: { desk: Desk; upload: Upload }) {
  const { t, language } = useText();
  const { file, state, key } = upload;
  const name = file.name || t("attachment.unnamed");
  const isFailed = state.is === "failed";
  const size = state.is === "done" ? state.attachment.size : file.size;
  return (
    <div className={`tray-file ${isFailed ? "tray-failed" : ""}`}>
      <Thumb upload={upload} />
      <span className="tray-words">
        <bdi className="tray-name">{name}</bdi>
        {isFailed ? (
          <span className="tray-why" role="alert">
            {uploadFailureText(state.error, t, language.tag)}
          </span>
        ) : (
          <span className="tray-size">{sizeOf(size, language.tag)}</span>
        )}
        {state.is === "going" && <Progress name={name} bytes={state.bytes} size={file.size} />}
      </span>
      {isFailed && !(state.error instanceof Unfit) && (
        <IconButton
          icon={RotateCw}
          size={15}
          label={t("files.retry", { name })}
          onClick={() => desk.retry(key)}
        />
      )}
      <IconButton icon={X} size={15} label={t("files.remove", { name })} onClick={() => desk.remove(key)} />
    </div>
  );
}

/** How far a file is. */
export function Progress({ name, bytes, size }: { name: string; bytes: number; size: number }) {
  const { t } = useText();
  return (
    <progress className="progress" max={size || 1} value={bytes} aria-label={t("files.going", { name })} />
  );
}

/** A small picture of a file, where it is one. */
export function Thumb({ upload }: { upload: Upload }) {
  const url = useLocalPicture(upload);
  const { file, isVoice, state } = upload;
  const Icon = state.is === "failed" ? CircleAlert : ICONS[kindOf({ mediaType: file.type, isVoice })];
  if (url) return <img className="thumb" src={url} alt="" />;
  return (
    <span className="thumb">
      <Icon size={20} strokeWidth={1.5} aria-hidden />
    </span>
  );
}

/** The address of a picture that lies on this device. */
export function useLocalPicture({ file, isVoice }: Upload): string | undefined {
  const [url, setUrl] = useState<string>();
  const isPicture = kindOf({ mediaType: file.type, isVoice }) === "picture";
  useEffect(() => {
    if (!isPicture) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file, isPicture]);
  return url;
}
