/** What went wrong, in plain words. Nothing here looks at an error's message. */

import { ParlourError } from "@parlour/client";
import { type Key, type Translate, useText } from "../i18n/text.ts";

const REASONS: Partial<Record<string, Key>> = {
  NOT_ALLOWED: "error.not-allowed",
  ROOM_NOT_FOUND: "error.room-gone",
  ROOM_ARCHIVED: "error.archived",
  MESSAGE_NOT_FOUND: "error.message-gone",
  SLOW_MODE: "error.slow-mode",
  RATE_LIMITED: "error.too-fast",
  POLL_CLOSED: "error.poll-closed",
  TOO_MANY_REACTIONS: "error.reactions",
  TOO_MANY_PINS: "error.pins",
  DIRECTORY_ROOM: "error.directory-room",
  BODY_TOO_LARGE: "error.too-long",
  USER_NOT_FOUND: "error.no-such-person",
  BLOB_NOT_FOUND: "error.message-gone",
  OVERLOADED: "error.busy",
};

const KINDS: Partial<Record<string, Key>> = {
  offline: "error.offline",
  "room-lost": "error.room-gone",
  "outbox-full": "error.outbox-full",
  text: "error.too-long",
  mentions: "error.mentions",
  stopped: "error.signed-out",
};

/** An error of a call, for people. */
export function failureText(error: unknown, t: Translate): string {
  if (!(error instanceof ParlourError)) return t("error.unknown");
  const key = (error.reason && REASONS[error.reason]) ?? KINDS[error.kind];
  return t(key ?? "error.unknown");
}

/** The same in a component; nothing where there is no error. */
export function useFailure(error: unknown): string | undefined {
  const { t } = useText();
  return error === undefined ? undefined : failureText(error, t);
}

/** Why the server didn't take a message, for people. */
export function refusalText({ reason }: ParlourError, t: Translate): string {
  return t((reason && REASONS[reason]) ?? "error.refused");
}
