/** The rows of members; only those that are seen are drawn. */

import type { User } from "@parlour/client";
import { useRef } from "react";
import { VList, type VListHandle } from "virtua";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useMe, useWatched } from "../sdk/context.tsx";
import { PresentAvatar } from "../ui/Avatar.tsx";
import type { Members } from "./members.ts";
import { PersonButton } from "./PersonButton.tsx";
import { type Roles, roleOf } from "./roles.ts";
import { StatusWords, useStatus } from "./status.tsx";

/** So near the end the next page is asked for. */
const AHEAD_PX = 800;

interface Props {
  members: Members;
  roles: Roles;
}

/** The list. */
export function MemberList({ members, roles }: Props) {
  const { t } = useText();
  const list = useRef<VListHandle>(null);
  const { known, shown, grouped, more } = members;
  const look = () => {
    const { current } = list;
    if (!current || known.isWhole || known.isLoading || known.error !== undefined) return;
    if (current.scrollOffset + current.viewportSize > current.scrollSize - AHEAD_PX) more();
  };
  const row = (user: User) => (
    <MemberRow key={user.id} user={user} role={roleOf(user, roles)} isWatched={!grouped} />
  );
  return (
    <VList ref={list} className="members" onScroll={look}>
      {grouped && grouped.here.length > 0 && (
        <h3 key="here">{t("members.here", { n: grouped.here.length })}</h3>
      )}
      {(grouped?.here ?? shown).map(row)}
      {grouped && grouped.rest.length > 0 && (
        <h3 key="rest">{t("members.rest", { n: grouped.rest.length })}</h3>
      )}
      {grouped?.rest.map(row)}
    </VList>
  );
}

interface RowProps {
  user: User;
  role: Key | undefined;
  /** Whether the row itself watches if they are there, as long as it is drawn. */
  isWatched: boolean;
}

function MemberRow({ user, role, isWatched }: RowProps) {
  const { t } = useText();
  const me = useMe();
  const status = useStatus(user.id);
  useWatched(isWatched ? [user.id] : []);
  return (
    <PersonButton id={user.id} className="person-row">
      <PresentAvatar id={user.id} size={32} />
      <span className="person-names">
        <span className="person-name">
          <bdi>{user.name}</bdi> {user.id === me && <span className="person-me">({t("person.you")})</span>}
        </span>
        <span className="person-detail">
          {status ? <StatusWords status={status} /> : <bdi>{user.profile.title ?? ""}</bdi>}
        </span>
      </span>
      {role && <span className="member-role">{t(role)}</span>}
    </PersonButton>
  );
}
