/** Who is in a room: of a small one all, those who are there first; of a large one as many as somebody looks at. */

import type { RoomSummary } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import { LogOut, UserPlus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { AsidePanel } from "../app/AsidePanel.tsx";
import { useText } from "../i18n/text.ts";
import { useFailure } from "../sdk/failure.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { LeaveDialog } from "./LeaveDialog.tsx";
import { MemberList } from "./MemberList.tsx";
import { type Members, useMembers } from "./members.ts";
import { useRoles } from "./roles.ts";

const AddMembersDialog = lazy(() =>
  import("../rooms/NewRoom.tsx").then((it) => ({ default: it.AddMembersDialog })),
);

/** The panel. */
export function MembersPanel({ summary }: { summary: RoomSummary }) {
  const { t } = useText();
  const [query, setQuery] = useState("");
  const [opened, setOpened] = useState<"add" | "leave">();
  const wanted = query.trim();
  const members = useMembers(summary, wanted);
  const roles = useRoles(summary);
  const isGroup = summary.kind === RoomKind.GROUP;
  return (
    <AsidePanel
      title={t("members.title")}
      detail={t("members.count", { n: summary.memberCount })}
      room={summary.id}
      tools={
        isGroup && <IconButton icon={UserPlus} label={t("members.add")} onClick={() => setOpened("add")} />
      }
    >
      <div className="aside-tools">
        <SearchField label={t("members.search")} value={query} onChange={setQuery} />
        <Standing members={members} total={summary.memberCount} isSearch={wanted !== ""} />
      </div>
      <MemberList members={members} roles={roles} />
      {isGroup && (
        <footer className="aside-foot">
          <Button look="quiet" onClick={() => setOpened("leave")}>
            <LogOut size={16} aria-hidden /> {t("room.leave")}
          </Button>
        </footer>
      )}
      {opened === "add" && (
        <Suspense>
          <AddMembersDialog
            room={summary.id}
            members={new Set(members.known.users.map(({ id }) => id))}
            onAdded={members.refresh}
            onClose={() => setOpened(undefined)}
          />
        </Suspense>
      )}
      {opened === "leave" && <LeaveDialog summary={summary} onClose={() => setOpened(undefined)} />}
    </AsidePanel>
  );
}

interface StandingProps {
  members: Members;
  /** How many are in the room, whether they are listed or not. */
  total: number;
  isSearch: boolean;
}

/** How much of the room is shown, said wherever it isn't all. */
function Standing({ members: { known, shown, more }, total, isSearch }: StandingProps) {
  const { t } = useText();
  const failure = useFailure(known.error);
  const { users, isWhole, isLoading } = known;
  if (failure) {
    return (
      <div className="members-failed">
        <Failure text={failure} />
        <Button look="quiet" onClick={more}>
          {t("action.retry")}
        </Button>
      </div>
    );
  }
  return (
    <p className="members-said" role="status">
      {saying()}
    </p>
  );

  function saying(): string {
    if (users.length === 0) return t("state.loading");
    if (isSearch && !isWhole && isLoading)
      return t("members.looking", { seen: users.length, all: Math.max(total, users.length) });
    if (isSearch && !isWhole) return t("members.found-more", { n: shown.length });
    if (isSearch) return shown.length > 0 ? t("members.found", { n: shown.length }) : t("members.none");
    return isWhole ? "" : t("members.listed", { shown: users.length, n: total });
  }
}
