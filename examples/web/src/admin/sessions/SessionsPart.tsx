/** Who is connected, where people and programs are signed in, and how that is ended. */

import { useState } from "react";
import { Pills, SearchField } from "../parts/Fields.tsx";
import { MissingLine, Section } from "../parts/Section.tsx";
import type { PartProps } from "../parts.ts";
import { useMay } from "../scopes.ts";
import { useAdminText } from "../text.ts";
import { Connected } from "./Connected.tsx";
import { Revoking } from "./Revoking.tsx";
import { SignedIn } from "./SignedIn.tsx";

const LISTS = ["connected", "accounts"] as const;

/** The part. */
export function SessionsPart(_: PartProps) {
  const { t } = useAdminText();
  const [seesSessions, seesAccounts] = [useMay("admin:sessions"), useMay("admin:accounts")];
  const [list, setList] = useState<(typeof LISTS)[number]>(seesSessions ? "connected" : "accounts");
  const [query, setQuery] = useState("");
  return (
    <Section title={t("part.sessions")} detail={t("sessions.why")}>
      <div className="admin-bar">
        <SearchField label={t("people.search")} value={query} onText={setQuery} />
        <Pills
          label={t("sessions.which")}
          value={list}
          options={LISTS.map((it) => [it, t(`sessions.${it}`)] as const)}
          onChoose={setList}
        />
      </div>
      {list === "connected" &&
        (seesSessions ? <Connected query={query} /> : <MissingLine scope="admin:sessions" />)}
      {list === "accounts" &&
        (seesAccounts ? <SignedIn query={query} /> : <MissingLine scope="admin:accounts" />)}
      {seesSessions && <Revoking />}
    </Section>
  );
}
