/** Why a file didn't go up, in plain words. */

import { ParlourError } from "@parlour/client";
import type { Key, Translate } from "../i18n/text.ts";
import { failureText } from "../sdk/failure.ts";
import { Unfit } from "./desks.ts";
import { sizeOf } from "./measures.ts";

const REASONS: Partial<Record<string, Key>> = {
  BLOB_TOO_LARGE: "files.too-large",
  MEDIA_TYPE_REFUSED: "files.kind-refused",
  QUOTA_EXCEEDED: "files.quota",
  BLOB_INFECTED: "files.infected",
  TOO_MANY_UPLOADS: "files.too-many-uploads",
  READ_ONLY: "files.read-only",
};

/** The words. */
export function uploadFailureText(error: unknown, t: Translate, tag: string): string {
  if (error instanceof Unfit) {
    if (error.why === "empty") return t("files.empty");
    return error.sizeMax > 0
      ? t("files.larger-than", { size: sizeOf(error.sizeMax, tag) })
      : t("files.none-taken");
  }
  const reason = error instanceof ParlourError ? error.reason : undefined;
  const key = reason && REASONS[reason];
  return key ? t(key) : failureText(error, t);
}
