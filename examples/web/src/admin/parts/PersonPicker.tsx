/** Choosing one person of the organization, oneself included. */

import type { User } from "@parlour/client";
import { searchPeople } from "@parlour/client/people";
import { useEffect, useState } from "react";
import { useSigned } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { useAdminText } from "../text.ts";

const AFTER_MS = 120;
const SHOWN_MAX = 8;

interface Props {
  label: string;
  chosen: User | undefined;
  /** Subjects that can't be chosen. */
  without?: ReadonlySet<string>;
  onChoose: (user: User | undefined) => void;
}

/** The field, and who is found. */
export function PersonPicker({ label, chosen, without, onChoose }: Props) {
  const { t, common } = useAdminText();
  const [query, setQuery] = useState("");
  const found = useFound(query, chosen === undefined);
  const shown = found?.filter(({ subject }) => !without?.has(subject)).slice(0, SHOWN_MAX);
  if (chosen) {
    return (
      <div className="labelled">
        {label}
        <span className="chosen-person">
          <Avatar id={chosen.id} user={chosen} size={28} />
          <bdi className="person-name">{chosen.name}</bdi>
          <button type="button" className="link-button" onClick={() => onChoose(undefined)}>
            {t("picker.other")}
          </button>
        </span>
      </div>
    );
  }
  return (
    <div className="people-picker">
      <label className="labelled">
        {label}
        <input
          type="search"
          className="field"
          data-autofocus
          placeholder={common("people.search")}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            if (shown?.[0]) onChoose(shown[0]);
          }}
        />
      </label>
      <ul className="people-list" aria-label={common("people.found")}>
        {shown?.map((user) => (
          <li key={user.id}>
            <button type="button" className="person-row" onClick={() => onChoose(user)}>
              <Avatar id={user.id} user={user} size={28} />
              <span className="person-names">
                <bdi className="person-name">{user.name}</bdi>
                <bdi className="person-detail">{user.subject}</bdi>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {shown?.length === 0 && <p className="soft">{common("people.none")}</p>}
    </div>
  );
}

/** Those of the last query stay until the next ones come. */
function useFound(query: string, isWanted: boolean): readonly User[] | undefined {
  const { client, people } = useSigned();
  const [found, setFound] = useState<readonly User[]>();
  useEffect(() => {
    if (!isWanted) return undefined;
    const ended = new AbortController();
    const look = async () => {
      const { users } = await searchPeople(client, query, { signal: ended.signal });
      people.learn(users);
      setFound(users);
    };
    const timer = setTimeout(() => void look().catch(() => undefined), AFTER_MS);
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [client, people, query, isWanted]);
  return found;
}
