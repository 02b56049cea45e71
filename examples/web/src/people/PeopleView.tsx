/** Who is in the organization, a page at a time. */

import type { User } from "@parlour/client";
import { type PeoplePage, searchPeople } from "@parlour/client/people";
import { useEffect, useState } from "react";
import { PaneHead } from "../app/PaneHead.tsx";
import { useText } from "../i18n/text.ts";
import { useMe, useSigned, useWatched } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { PresentAvatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { SearchField } from "../ui/SearchField.tsx";
import { PersonButton } from "./PersonButton.tsx";
import { StatusWords, useStatus } from "./status.tsx";
import "../styles/inbox.css";

const AFTER_MS = 150;
const WATCHED_MAX = 200;

/** The view. */
export function PeopleView() {
  const { t } = useText();
  const [query, setQuery] = useState("");
  const { found, failure, more } = useFound(query.trim());
  useWatched(found?.slice(0, WATCHED_MAX).map(({ id }) => id) ?? []);
  return (
    <main className="pane" aria-label={t("people.title")}>
      <PaneHead title={t("people.title")} />
      <div className="people">
        <SearchField label={t("people.search")} value={query} onChange={setQuery} />
        {failure && <p className="empty-line">{failure}</p>}
        {!found && !failure && <p className="empty-line">{t("state.loading")}</p>}
        {found?.length === 0 && <p className="empty-line">{t("people.none")}</p>}
        <ul className="inbox-list" aria-label={t("people.title")}>
          {found?.map((user) => (
            <li key={user.id}>
              <PersonRow user={user} />
            </li>
          ))}
        </ul>
        {more && (
          <Button className="inbox-more" onClick={more}>
            {t("inbox.more")}
          </Button>
        )}
      </div>
    </main>
  );
}

function PersonRow({ user }: { user: User }) {
  const { t } = useText();
  const me = useMe();
  const status = useStatus(user.id);
  const detail = [`@${user.profile.handle ?? user.subject}`, user.profile.title].filter(Boolean);
  return (
    <PersonButton id={user.id} className="person-row">
      <PresentAvatar id={user.id} size={36} />
      <span className="person-names">
        <span className="person-name">
          <bdi>{user.name}</bdi> {user.id === me && <span className="person-me">({t("person.you")})</span>}
        </span>
        <span className="person-detail">
          <bdi>{detail.join(" · ")}</bdi>
          {status && (
            <>
              {" · "}
              <StatusWords status={status} />
            </>
          )}
        </span>
      </span>
    </PersonButton>
  );
}

function useFound(query: string) {
  const { t } = useText();
  const { client, people } = useSigned();
  const [pages, setPages] = useState<readonly PeoplePage[]>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const ended = new AbortController();
    const read = async () => {
      const page = await searchPeople(client, query, { signal: ended.signal });
      people.learn(page.users);
      setPages([page]);
      setFailure(undefined);
    };
    const timer = setTimeout(
      () => read().catch((error: unknown) => !ended.signal.aborted && setFailure(failureText(error, t))),
      query ? AFTER_MS : 0,
    );
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [client, people, query, t]);
  const next = pages?.at(-1)?.next;
  const load = async () => {
    const page = await next?.();
    if (!page) return;
    people.learn(page.users);
    setPages([...(pages ?? []), page]);
  };
  const more = next && (() => void load().catch((error: unknown) => setFailure(failureText(error, t))));
  return { found: pages?.flatMap(({ users }) => users), failure, more };
}
