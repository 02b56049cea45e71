/** Who is in a room, those who are there first. */

import type { RoomSummary, User } from "@parlour/client";
import { RoomKind } from "@parlour/client/proto";
import { LogOut, UserPlus } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { VList } from "virtua";
import { AsidePanel } from "../app/AsidePanel.tsx";
import { useText } from "../i18n/text.ts";
import { useMe, usePresence, useRoom, useSigned, useValue, useWatched } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { PresentAvatar } from "../ui/Avatar.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { LeaveDialog } from "./LeaveDialog.tsx";
import { PersonButton } from "./PersonButton.tsx";

const AddMembersDialog = lazy(() =>
  import("../rooms/NewRoom.tsx").then((it) => ({ default: it.AddMembersDialog })),
);
const WATCHED_MAX = 200;

/** The panel. */
export function MembersPanel({ summary }: { summary: RoomSummary }) {
  const { t, language } = useText();
  const { client } = useSigned();
  const [query, setQuery] = useState("");
  const [opened, setOpened] = useState<"add" | "leave">();
  const { members, failure, reload } = useMembers(summary);
  const present = useValue(client.presence.people);
  useWatched(members?.slice(0, WATCHED_MAX).map(({ id }) => id) ?? []);
  const isGroup = summary.kind === RoomKind.GROUP;
  const wanted = query.trim().toLocaleLowerCase();
  const shown =
    members?.filter(({ name, subject }) => `${name} ${subject}`.toLocaleLowerCase().includes(wanted)) ?? [];
  const isHere = ({ id }: User) =>
    !["offline", "unknown"].includes(present.get(id)?.availability ?? "unknown");
  const sorted = shown.toSorted((a, b) => a.name.localeCompare(b.name, language.tag));
  const here = sorted.filter(isHere);
  const rest = sorted.filter((user) => !isHere(user));
  return (
    <AsidePanel
      title={t("members.title")}
      room={summary.id}
      tools={
        isGroup && <IconButton icon={UserPlus} label={t("members.add")} onClick={() => setOpened("add")} />
      }
    >
      <div className="aside-tools">
        <input
          type="search"
          className="field"
          placeholder={t("members.search")}
          aria-label={t("members.search")}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      {failure && <p className="empty-line">{failure}</p>}
      {!members && !failure && <p className="empty-line">{t("state.loading")}</p>}
      <VList className="members">
        {here.length > 0 && <h3 key="here">{t("members.here", { n: here.length })}</h3>}
        {here.map((user) => (
          <MemberRow key={user.id} user={user} isCreator={isGroup && user.id === summary.creator} />
        ))}
        {rest.length > 0 && <h3 key="rest">{t("members.rest", { n: rest.length })}</h3>}
        {rest.map((user) => (
          <MemberRow key={user.id} user={user} isCreator={isGroup && user.id === summary.creator} />
        ))}
      </VList>
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
            members={new Set(members?.map(({ id }) => id))}
            onAdded={reload}
            onClose={() => setOpened(undefined)}
          />
        </Suspense>
      )}
      {opened === "leave" && <LeaveDialog summary={summary} onClose={() => setOpened(undefined)} />}
    </AsidePanel>
  );
}

function MemberRow({ user, isCreator }: { user: User; isCreator: boolean }) {
  const { t } = useText();
  const me = useMe();
  const presence = usePresence(user.id);
  const status = [presence?.status?.emoji, presence?.status?.text].filter(Boolean).join(" ");
  return (
    <PersonButton id={user.id} className="person-row">
      <PresentAvatar id={user.id} size={32} />
      <span className="person-names">
        <span className="person-name">
          <bdi>{user.name}</bdi> {user.id === me && <span className="person-me">({t("person.you")})</span>}
        </span>
        <bdi className="person-detail">{status || user.profile.title || ""}</bdi>
      </span>
      {isCreator && <span className="member-role">{t("members.creator")}</span>}
    </PersonButton>
  );
}

function useMembers({ id, memberCount }: RoomSummary) {
  const { t } = useText();
  const { people } = useSigned();
  const room = useRoom(id);
  const [members, setMembers] = useState<readonly User[]>();
  const [failure, setFailure] = useState<string>();
  const [times, setTimes] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another count is another list.
  useEffect(() => {
    const ended = new AbortController();
    room.members({ signal: ended.signal }).then(
      (all) => {
        people.learn(all);
        setMembers(all);
      },
      (error: unknown) => {
        if (!ended.signal.aborted) setFailure(failureText(error, t));
      },
    );
    return () => ended.abort();
  }, [room, people, memberCount, times, t]);
  return { members, failure, reload: () => setTimes(times + 1) };
}
