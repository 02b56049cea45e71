/** What stands before the first message: what this room is, and what one can do first. */

import type { RoomSummary } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import { useText } from "../i18n/text.ts";
import { Avatar, RoomIcon } from "../ui/Avatar.tsx";

/** The beginning of a room. */
export function RoomStart({ summary, name }: { summary: RoomSummary; name: string }) {
  const { t } = useText();
  const isOwn = summary.kind === RoomKind.USER;
  const about = isOwn ? "start.private" : summary.isDirect ? "start.direct" : "start.room";
  return (
    <header className="start">
      {summary.isDirect ? (
        <Avatar id={summary.peer} size={56} />
      ) : (
        <span className="start-icon">
          <RoomIcon kind={summary.kind} size={26} />
        </span>
      )}
      <h2 dir="auto">{name}</h2>
      <p>{t(about, { name })}</p>
      {summary.topic && <p dir="auto">{summary.topic}</p>}
    </header>
  );
}
