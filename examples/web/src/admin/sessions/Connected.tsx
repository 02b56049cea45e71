/** Every connection of the organization, as it is just now. */

import { revoke, type Session, sessions } from "@parlour/client/admin";
import { useState } from "react";
import { agoOf } from "../../i18n/dates.ts";
import { useClient, usePersons } from "../../sdk/context.tsx";
import { toast } from "../../ui/toast.tsx";
import { useAll, useEvery } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { CARRIERS, Who } from "./Who.tsx";

const LOOK_EVERY_MS = 10_000;

/** The list. */
export function Connected({ query }: { query: string }) {
  const { t } = useAdminText();
  const client = useClient();
  const all = useAll((options) => sessions(client, options));
  const [leaving, setLeaving] = useState<Session>();
  useEvery(LOOK_EVERY_MS, all);
  const people = usePersons([...new Set(all.value?.flatMap(({ user }) => user ?? []))]);
  const names = new Map(people.map(({ id, name }) => [id, name]));
  const nameOf = ({ user, subject }: Session) => (user && names.get(user)) || subject;
  const wanted = query.trim().toLocaleLowerCase();
  const shown = (all.value ?? [])
    .filter((it) =>
      `${nameOf(it)} ${it.subject} ${it.agent} ${it.address}`.toLocaleLowerCase().includes(wanted),
    )
    .sort((a, b) => b.sinceMs - a.sinceMs);
  return (
    <>
      <Waiting of={all} />
      {all.value && (
        <Table
          label={t("sessions.connected")}
          columns={columnsOf(t, nameOf)}
          rows={shown}
          keyOf={({ session, sinceMs }) => `${session} ${sinceMs}`}
          onOpen={setLeaving}
          empty={!all.isLoading && <p className="empty-line">{t("sessions.nobody")}</p>}
          foot={all.isLoading && all.value.length === 0 && t("table.more")}
        />
      )}
      {leaving && (
        <AskDialog
          title={t("sessions.end-title", { name: nameOf(leaving) })}
          label={t("sessions.end-one")}
          isDanger
          onClose={() => setLeaving(undefined)}
          onDo={async () => {
            toast(t("sessions.closed", { n: await revoke(client, { session: leaving.session }) }));
            all.reload();
          }}
        >
          <p>{t("sessions.end-why")}</p>
        </AskDialog>
      )}
    </>
  );
}

function columnsOf(t: AdminTranslate, nameOf: (session: Session) => string): Column<Session>[] {
  return [
    {
      id: "who",
      label: t("person.name"),
      cell: ({ user, subject }) => <Who user={user} subject={subject} />,
      sort: (a, b) => nameOf(a).localeCompare(nameOf(b)),
    },
    { id: "agent", label: t("sessions.agent"), cell: ({ agent }) => <bdi>{agent || "–"}</bdi> },
    {
      id: "carrier",
      label: t("sessions.carrier"),
      cell: ({ carrier }) => CARRIERS[carrier] ?? "–",
      isExtra: true,
    },
    {
      id: "from",
      label: t("sessions.from"),
      cell: ({ address }) => <span dir="ltr">{address || "–"}</span>,
      sort: (a, b) => a.address.localeCompare(b.address),
      isExtra: true,
    },
    {
      id: "since",
      label: t("sessions.since"),
      cell: ({ sinceMs }) => <span className="nowrap">{agoOf(sinceMs)}</span>,
      sort: (a, b) => a.sinceMs - b.sinceMs,
    },
  ];
}
