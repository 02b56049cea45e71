/** Choosing people: a field, who is found, who is chosen. */

import type { User, UserId } from "@parlour/client";
import { X } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { useMe, useWatched } from "../sdk/context.tsx";
import { PresentAvatar } from "../ui/Avatar.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { usePeopleSearch } from "./search.ts";

interface Props {
  chosen: readonly User[];
  /** Left out of what is found, besides the user. */
  without?: ReadonlySet<UserId>;
  /** Whether the user is among those that may be chosen. */
  isWithMe?: boolean;
  onChoose: (user: User) => void;
  onDrop?: (user: User) => void;
}

/** The picker. */
export function PeoplePicker({ chosen, without, isWithMe, onChoose, onDrop }: Props) {
  const { t } = useText();
  const me = useMe();
  const [query, setQuery] = useState("");
  const { people, isLoading } = usePeopleSearch(query);
  const taken = new Set(chosen.map(({ id }) => id));
  const shown = people.filter(({ id }) => (isWithMe || id !== me) && !taken.has(id) && !without?.has(id));
  useWatched(shown.map(({ id }) => id));
  const choose = (user: User) => {
    onChoose(user);
    setQuery("");
  };
  return (
    <div className="people-picker">
      {chosen.length > 0 && (
        <ul className="chips" aria-label={t("people.chosen")}>
          {chosen.map((user) => (
            <li key={user.id}>
              <button
                type="button"
                className="chip"
                aria-label={t("people.drop", { name: user.name })}
                onClick={() => onDrop?.(user)}
              >
                <bdi>{user.name}</bdi> <X size={13} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <SearchField
        isFirst
        label={t("people.search")}
        value={query}
        onChange={setQuery}
        onEnter={() => shown[0] && choose(shown[0])}
      />
      <ul className="people-list" aria-label={t("people.found")}>
        {shown.map((user) => (
          <li key={user.id}>
            <button type="button" className="person-row" onClick={() => choose(user)}>
              <PresentAvatar id={user.id} size={32} />
              <span className="person-names">
                <bdi className="person-name">{user.name}</bdi>
                <bdi className="person-detail">
                  {user.profile.title || `@${user.profile.handle ?? user.subject}`}
                </bdi>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p className="empty-line">{t(isLoading ? "state.loading" : "people.none")}</p>}
    </div>
  );
}
