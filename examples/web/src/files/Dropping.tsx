/** Files that are dragged over a conversation, and dropped there. */

import { Upload as UploadIcon } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";

interface Props {
  /** Where they would go. */
  label: string;
  isOff: boolean;
  onFiles: (files: File[]) => void;
  children: ReactNode;
}

/** Takes files that are dropped on what is in it. */
export function Dropping({ label, isOff, onFiles, children }: Props) {
  const { t } = useText();
  const [isOver, setOver] = useState(false);
  // Entering a child leaves its parent: only the last leave is one.
  const depth = useRef(0);
  const isOfFiles = (event: DragEvent) => !isOff && event.dataTransfer.types.includes("Files");
  const end = () => {
    depth.current = 0;
    setOver(false);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button is for everybody.
    <div
      className="dropping"
      onDragEnter={(event) => {
        if (!isOfFiles(event)) return;
        event.preventDefault();
        depth.current += 1;
        setOver(true);
      }}
      onDragOver={(event) => {
        if (!isOfFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }}
      onDragLeave={(event) => {
        if (!isOfFiles(event)) return;
        depth.current -= 1;
        if (depth.current <= 0) end();
      }}
      onDrop={(event) => {
        if (!isOfFiles(event)) return;
        event.preventDefault();
        end();
        onFiles(filesIn(event.dataTransfer));
      }}
    >
      {children}
      {isOver && (
        <div className="drop-here" aria-hidden>
          <UploadIcon size={30} strokeWidth={1.4} />
          <strong>{t("files.drop", { name: label })}</strong>
        </div>
      )}
    </div>
  );
}

/** The files of a drop or a paste; a folder isn't one. */
export function filesIn(transfer: DataTransfer): File[] {
  return [...transfer.items].flatMap((item) => {
    if (item.kind !== "file" || item.webkitGetAsEntry?.()?.isDirectory) return [];
    return item.getAsFile() ?? [];
  });
}
