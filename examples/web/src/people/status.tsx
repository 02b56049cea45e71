/** What people say of themselves, for as long as they want it to be said. */

import type { UserId, UserPresence } from "@parlour/client";
import { EmojiFace } from "../emoji/own.tsx";
import { untilOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useIsPast } from "../sdk/alarm.ts";
import { usePresence } from "../sdk/context.tsx";

/** An emoji, a text, and when it ends. */
export type Status = NonNullable<UserPresence["status"]>;

/** What somebody says of themselves; nothing any more from when it ends, also without a connection. */
export function useStatus(id: UserId | undefined): Status | undefined {
  const status = usePresence(id)?.status;
  const isOver = useIsPast(status?.expiresAtMs ?? 0);
  return status && !isOver && (status.text || status.emoji) ? status : undefined;
}

/** A status in a line: its emoji and its text, and when it ends for whoever points at it. */
export function StatusWords({ status }: { status: Status }) {
  return (
    <span className="status" title={useStatusTitle(status)}>
      {status.emoji && <EmojiFace emoji={status.emoji} size="1.1em" />}
      {status.text && <bdi>{status.text}</bdi>}
    </span>
  );
}

/** Its emoji alone, for where there is no room for words; they are in its title. */
export function StatusMark({ status, className = "" }: { status: Status; className?: string }) {
  const title = useStatusTitle(status);
  if (!status.emoji) return null;
  return (
    <span className={`status-mark ${className}`} role="img" aria-label={title} title={title}>
      <EmojiFace emoji={status.emoji} size="1.1em" />
    </span>
  );
}

function useStatusTitle({ emoji, text, expiresAtMs }: Status): string {
  const { t } = useText();
  const ends = expiresAtMs > 0 ? t("status.ends", { when: untilOf(expiresAtMs) }) : "";
  return [text || emoji, ends].filter(Boolean).join(" · ");
}
