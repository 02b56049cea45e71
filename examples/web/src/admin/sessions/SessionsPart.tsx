/** Where people and programs are signed in, and how that is ended. */

import { type Account, accounts } from "@parlour/client/admin";
import { useState } from "react";
import { useClient, usePerson, usePresence, useWatched } from "../../sdk/context.tsx";
import { Avatar, PresenceDot } from "../../ui/Avatar.tsx";
import { useAll } from "../loaded.ts";
import { SearchField } from "../parts/Fields.tsx";
import { MissingLine, Section, Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import type { PartProps } from "../parts.ts";
import { EndLoginsDialog } from "../people/EndLoginsDialog.tsx";
import { useMay } from "../scopes.ts";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { Revoking } from "./Revoking.tsx";

const NOBODY = { items: [], next: undefined };
const WATCHED_MAX = 150;

/** The part. */
export function SessionsPart(_: PartProps) {
  const { t } = useAdminText();
  const client = useClient();
  const [seesAccounts, mayRevoke] = [useMay("admin:accounts"), useMay("admin:sessions")];
  const all = useAll(async (options) => (seesAccounts ? accounts(client, options) : NOBODY));
  const [query, setQuery] = useState("");
  const [leaving, setLeaving] = useState<Account>();
  const wanted = query.trim().toLocaleLowerCase();
  const signedIn = all.value?.filter(({ logins, keys }) => logins > 0 || keys > 0) ?? [];
  const shown = signedIn.filter(({ subject }) => subject.toLocaleLowerCase().includes(wanted));
  useWatched(shown.slice(0, WATCHED_MAX).map(({ user }) => user));
  return (
    <>
      <Section title={t("part.sessions")} detail={t("sessions.why")}>
        {!seesAccounts && <MissingLine scope="admin:accounts" />}
        {seesAccounts && (
          <>
            <div className="admin-bar">
              <SearchField label={t("people.search")} value={query} onText={setQuery} />
            </div>
            <Waiting of={all} />
            {all.value && (
              <Table
                label={t("part.sessions")}
                columns={columnsOf(t)}
                rows={shown}
                keyOf={({ subject }) => subject}
                onOpen={setLeaving}
                empty={!all.isLoading && <p className="empty-line">{t("sessions.none")}</p>}
                foot={all.isLoading && t("table.more")}
              />
            )}
          </>
        )}
        {mayRevoke ? <Revoking onDone={all.reload} /> : <MissingLine scope="admin:sessions" />}
      </Section>
      {leaving && (
        <EndLoginsDialog
          account={leaving}
          name={leaving.subject}
          onDone={all.reload}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </>
  );
}

function columnsOf(t: AdminTranslate): Column<Account>[] {
  return [
    {
      id: "who",
      label: t("person.name"),
      cell: (account) => <Who account={account} />,
      sort: (a, b) => a.subject.localeCompare(b.subject),
    },
    { id: "there", label: t("sessions.there"), cell: (account) => <There account={account} /> },
    {
      id: "logins",
      label: t("account.logins"),
      cell: ({ isService, logins, keys }) =>
        isService ? t("account.keys", { n: keys }) : t("account.places", { n: logins }),
      sort: (a, b) => a.logins + a.keys - b.logins - b.keys,
    },
    {
      id: "end",
      label: t("sessions.end"),
      cell: () => <span className="link-button danger">{t("person.sign-out")}</span>,
      isExtra: true,
    },
  ];
}

function Who({ account: { user, subject } }: { account: Account }) {
  const person = usePerson(user);
  return (
    <span className="cell-person">
      <Avatar id={user} size={30} />
      <span className="person-names">
        <bdi className="person-name">{person?.name ?? subject}</bdi>
        <bdi className="person-detail">{subject}</bdi>
      </span>
    </span>
  );
}

const SAID = { online: "presence.online", idle: "presence.idle", "do-not-disturb": "presence.dnd" } as const;

function There({ account: { user } }: { account: Account }) {
  const { common } = useAdminText();
  const presence = usePresence(user);
  const availability = presence?.availability;
  const key =
    availability && availability in SAID ? SAID[availability as keyof typeof SAID] : "presence.offline";
  return (
    <span className="cell-presence">
      <PresenceDot id={user} /> {common(key)}
    </span>
  );
}
