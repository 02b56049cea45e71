/** Choosing people: a field, who is found, who is chosen. */

import type { User, UserId } from "@parlour/client";
import { X } from "lucide-react";
import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { useMe, useWatched } from "../sdk/context.tsx";
import { PresentAvatar } from "../ui/Avatar.tsx";
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
      <input
        type="search"
        className="field"
        data-autofocus
        placeholder={t("people.search")}
        aria-label={t("people.search")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
        onKeyDown={(event) => {
          const [first] = shown;
          if (event.key !== "Enter" || !first) return;
          event.preventDefault();
          onChoose(first);
          setQuery("");
        }}
      />
      <ul className="people-list" aria-label={t("people.found")}>
        {shown.map((user) => (
          <li key={user.id}>
            <button
              type="button"
              className="person-row"
              onClick={() => {
                onChoose(user);
                setQuery("");
              }}
            >
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
