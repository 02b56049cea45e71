/** Everybody in the organization, their roles and their accounts. */

import { accounts, memberships } from "@parlour/client/admin";
import { Bot, UserPlus } from "lucide-react";
import { useState } from "react";
import { go, hashOf } from "../../app/route.ts";
import type { Translate } from "../../i18n/text.ts";
import { useClient } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { dateOf } from "../format.ts";
import { useAll } from "../loaded.ts";
import { Pills, SearchField } from "../parts/Fields.tsx";
import { SecretDialog, type Told } from "../parts/Secret.tsx";
import { MissingLine, Section, Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import type { PartProps } from "../parts.ts";
import { useMay } from "../scopes.ts";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { Way } from "./Keys.tsx";
import { NewPersonDialog } from "./NewPersonDialog.tsx";
import { NewProgramDialog } from "./NewProgramDialog.tsx";
import { PersonPanel } from "./PersonPanel.tsx";
import { found, KINDS, type Kind, type Person, peopleOf } from "./people.ts";

const NOBODY = { items: [], next: undefined };

/** The part. */
export function PeoplePart({ open }: PartProps) {
  const { t, language, common } = useAdminText();
  const client = useClient();
  const [seesDirectory, seesAccounts] = [useMay("admin:directory"), useMay("admin:accounts")];
  const members = useAll(async (options) => (seesDirectory ? memberships(client, "", options) : NOBODY));
  const known = useAll(async (options) => (seesAccounts ? accounts(client, options) : NOBODY));
  const [query, setQuery] = useState("");
  const [kind, setKind] = useState<Kind>("active");
  const [making, setMaking] = useState<"person" | "program">();
  const [told, setTold] = useState<Told>();
  const people = peopleOf(members.value ?? [], known.value ?? []);
  const shown = found(people, kind, query).sort((a, b) => a.name.localeCompare(b.name, language.tag));
  const chosen = people.find(({ subject }) => subject === open);
  const isLoading = members.isLoading || known.isLoading;
  const changed = () => {
    members.reload();
    known.reload();
  };
  return (
    <>
      <Section
        title={t("part.people")}
        detail={t("people.count", { n: people.filter((it) => !it.isDeactivated).length })}
        tools={
          <>
            {seesAccounts && (
              <Button onClick={() => setMaking("program")}>
                <Bot size={16} aria-hidden /> {t("program.new")}
              </Button>
            )}
            {seesDirectory && (
              <Button look="main" onClick={() => setMaking("person")}>
                <UserPlus size={16} aria-hidden /> {t("person.new")}
              </Button>
            )}
          </>
        }
      >
        <div className="admin-bar">
          <SearchField label={t("people.search")} value={query} onText={setQuery} />
          <Pills
            label={t("people.kinds")}
            value={kind}
            options={KINDS.map((it) => [it, t(`people.${it}`)] as const)}
            onChoose={setKind}
          />
        </div>
        {!seesDirectory && <MissingLine scope="admin:directory" />}
        {!seesAccounts && <MissingLine scope="admin:accounts" />}
        {seesDirectory && <Waiting of={members} />}
        {seesAccounts && !seesDirectory && <Waiting of={known} />}
        {seesAccounts && seesDirectory && known.failure !== undefined && <Waiting of={known} />}
        {(members.value || known.value) && (
          <Table
            label={t("part.people")}
            columns={columnsOf({ t, common }, seesAccounts, language.tag)}
            rows={shown}
            keyOf={({ subject }) => subject}
            opened={open}
            onOpen={({ subject }) => go(hashOf.admin("people", subject))}
            empty={!isLoading && <p className="empty-line">{t("people.none")}</p>}
            foot={isLoading && t("table.more")}
          />
        )}
      </Section>
      {chosen && <PersonPanel key={chosen.subject} person={chosen} onChanged={changed} onTold={setTold} />}
      {making === "person" && (
        <NewPersonDialog
          taken={new Set(people.map(({ subject }) => subject))}
          onMade={changed}
          onTold={setTold}
          onClose={() => setMaking(undefined)}
        />
      )}
      {making === "program" && (
        <NewProgramDialog onMade={changed} onTold={setTold} onClose={() => setMaking(undefined)} />
      )}
      {told && <SecretDialog told={told} onClose={() => setTold(undefined)} />}
    </>
  );
}

function columnsOf(
  { t, common }: { t: AdminTranslate; common: Translate },
  seesAccounts: boolean,
  tag: string,
): Column<Person>[] {
  const byText = (of: (person: Person) => string) => (a: Person, b: Person) =>
    of(a).localeCompare(of(b), tag);
  const byNumber = (of: (person: Person) => number) => (a: Person, b: Person) => of(a) - of(b);
  const signedIn = ({ account }: Person) => account?.logins ?? -1;
  const created = ({ account }: Person) => account?.createdMs ?? 0;
  const ofAccounts: Column<Person>[] = [
    {
      id: "sign-in",
      label: t("account.way"),
      cell: ({ account }) => <Way account={account} />,
      isExtra: true,
    },
    {
      id: "logins",
      label: t("account.logins"),
      cell: ({ account }) => account?.logins ?? "–",
      sort: byNumber(signedIn),
      isNumber: true,
      isExtra: true,
    },
    {
      id: "created",
      label: t("account.created"),
      cell: ({ account }) => <span className="nowrap">{account ? dateOf(account.createdMs) : "–"}</span>,
      sort: byNumber(created),
      isExtra: true,
    },
  ];
  return [
    {
      id: "name",
      label: t("person.name"),
      cell: (person) => <Name person={person} />,
      sort: byText((it) => it.name),
    },
    {
      id: "role",
      label: t("person.role"),
      cell: ({ role, isDeactivated, isProgram }) => (
        <span className="tags">
          {isProgram && <span className="tag">{common("person.bot")}</span>}
          {role && <span className={`tag tag-${role}`}>{role}</span>}
          {isDeactivated && <span className="tag tag-removed">{t("people.deactivated")}</span>}
        </span>
      ),
      sort: byText((it) => it.role ?? ""),
    },
    ...(seesAccounts ? ofAccounts : []),
  ];
}

function Name({ person: { id, name, subject, user } }: { person: Person }) {
  return (
    <span className="cell-person">
      <Avatar id={id} user={user} size={30} />
      <span className="person-names">
        <bdi className="person-name">{name}</bdi>
        <bdi className="person-detail">{subject}</bdi>
      </span>
    </span>
  );
}
