/** Where accounts of this server are signed in. */

import { type Account, accounts } from "@parlour/client/admin";
import { useState } from "react";
import { useClient, usePresence, useWatched } from "../../sdk/context.tsx";
import { PresenceDot } from "../../ui/Avatar.tsx";
import { useAll } from "../loaded.ts";
import { Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import { EndLoginsDialog } from "../people/EndLoginsDialog.tsx";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { Who } from "./Who.tsx";

const WATCHED_MAX = 150;

/** The list. */
export function SignedIn({ query }: { query: string }) {
  const { t } = useAdminText();
  const client = useClient();
  const all = useAll((options) => accounts(client, options));
  const [leaving, setLeaving] = useState<Account>();
  const wanted = query.trim().toLocaleLowerCase();
  const signedIn = all.value?.filter(({ logins, keys }) => logins > 0 || keys > 0) ?? [];
  const shown = signedIn.filter(({ subject }) => subject.toLocaleLowerCase().includes(wanted));
  useWatched(shown.slice(0, WATCHED_MAX).map(({ user }) => user));
  return (
    <>
      <Waiting of={all} />
      {all.value && (
        <Table
          label={t("sessions.accounts")}
          columns={columnsOf(t)}
          rows={shown}
          keyOf={({ subject }) => subject}
          onOpen={setLeaving}
          empty={!all.isLoading && <p className="empty-line">{t("sessions.none")}</p>}
          foot={all.isLoading && t("table.more")}
        />
      )}
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
      cell: ({ user, subject }) => <Who user={user} subject={subject} />,
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

const SAID = { online: "presence.online", idle: "presence.idle", "do-not-disturb": "presence.dnd" } as const;

function There({ account: { user } }: { account: Account }) {
  const { common } = useAdminText();
  const availability = usePresence(user)?.availability;
  const key =
    availability && availability in SAID ? SAID[availability as keyof typeof SAID] : "presence.offline";
  return (
    <span className="cell-presence">
      <PresenceDot id={user} /> {common(key)}
    </span>
  );
}
