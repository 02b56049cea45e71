/** Invites, and those who took one and wait to be let in. */

import { type Invite, invites, revokeInvite } from "@parlour/client/admin";
import { Plus } from "lucide-react";
import { useState } from "react";
import { go, hashOf } from "../../app/route.ts";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { numberOf, stampOf } from "../format.ts";
import { useAll, useEvery } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { SecretDialog, type Told } from "../parts/Secret.tsx";
import { Facts, Panel, Section, Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import type { PartProps } from "../parts.ts";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { Knocks } from "./Knocks.tsx";
import { NewInviteDialog } from "./NewInviteDialog.tsx";

/** Nobody is told when somebody knocks: it is looked at this often. */
const LOOK_EVERY_MS = 4000;

/** The part. */
export function InvitesPart({ open }: PartProps) {
  const { t } = useAdminText();
  const client = useClient();
  const all = useAll((options) => invites(client, options));
  const [isNew, setNew] = useState(false);
  const [told, setTold] = useState<Told>();
  useEvery(LOOK_EVERY_MS, all);
  const newest = all.value?.toReversed() ?? [];
  const chosen = newest.find(({ id }) => id === open);
  return (
    <>
      <Section
        title={t("part.invites")}
        detail={t("invites.why")}
        tools={
          <Button look="main" onClick={() => setNew(true)}>
            <Plus size={16} aria-hidden /> {t("invite.new")}
          </Button>
        }
      >
        <Waiting of={all} />
        {all.value && <Knocks invites={all.value} onDecided={all.reload} />}
        {all.value && (
          <Table
            label={t("part.invites")}
            columns={columnsOf(t)}
            rows={newest}
            keyOf={({ id }) => id}
            opened={open}
            onOpen={({ id }) => go(hashOf.admin("invites", id))}
            empty={<p className="empty-line">{t("invites.none")}</p>}
          />
        )}
      </Section>
      {chosen && <InvitePanel key={chosen.id} invite={chosen} onChanged={all.reload} />}
      {isNew && <NewInviteDialog onMade={all.reload} onTold={setTold} onClose={() => setNew(false)} />}
      {told && <SecretDialog told={told} onClose={() => setTold(undefined)} />}
    </>
  );
}

type Standing = "good" | "taken" | "over" | "revoked";

function standingOf({ isRevoked, expiresMs, used, usesMax }: Invite): Standing {
  if (isRevoked) return "revoked";
  if (expiresMs <= Date.now()) return "over";
  return used >= usesMax ? "taken" : "good";
}

function columnsOf(t: AdminTranslate): Column<Invite>[] {
  return [
    {
      id: "label",
      label: t("invite.label"),
      cell: ({ label }) => <bdi className="person-name">{label || t("invite.unnamed")}</bdi>,
    },
    {
      id: "state",
      label: t("invite.state"),
      cell: (invite) => {
        const standing = standingOf(invite);
        return (
          <span className={`tag tag-${standing === "good" ? "created" : "none"}`}>
            {t(`invite.${standing}`)}
          </span>
        );
      },
    },
    {
      id: "used",
      label: t("invite.used"),
      cell: ({ used, usesMax }) => t("invite.used-of", { used: numberOf(used), max: numberOf(usesMax) }),
      sort: (a, b) => a.used - b.used,
      isNumber: true,
    },
    {
      id: "knock",
      label: t("invite.way"),
      cell: ({ knock }) => t(knock ? "invite.knock" : "invite.direct"),
      isExtra: true,
    },
    {
      id: "until",
      label: t("invite.until"),
      cell: ({ expiresMs }) => stampOf(expiresMs),
      sort: (a, b) => a.expiresMs - b.expiresMs,
      isExtra: true,
    },
  ];
}

const STATES = {
  waiting: "knock.waiting",
  joined: "knock.joined",
  declined: "knock.declined",
  unknown: "event.unknown",
} as const;

function InvitePanel({ invite, onChanged }: { invite: Invite; onChanged: () => void }) {
  const { t } = useAdminText();
  const client = useClient();
  const [isAsking, setAsking] = useState(false);
  const standing = standingOf(invite);
  const waiting = invite.uses.filter(({ state }) => state === "waiting").length;
  return (
    <Panel title={invite.label || t("invite.unnamed")} detail={t(`invite.${standing}`)} part="invites">
      <Facts
        of={[
          [
            t("invite.used"),
            t("invite.used-of", { used: numberOf(invite.used), max: numberOf(invite.usesMax) }),
          ],
          [t("person.role"), invite.role],
          [
            t("invite.nodes"),
            invite.nodes.length > 0 ? (
              <code key="nodes" dir="ltr">
                {invite.nodes.join(", ")}
              </code>
            ) : (
              "–"
            ),
          ],
          [t("invite.way"), t(invite.knock ? "invite.knock" : "invite.direct")],
          [t("invite.created"), stampOf(invite.createdMs)],
          [t("invite.until"), stampOf(invite.expiresMs)],
        ]}
      />
      {(standing === "good" || standing === "taken") && (
        <div className="admin-actions">
          <Button className="danger" onClick={() => setAsking(true)}>
            {t("invite.revoke")}
          </Button>
        </div>
      )}
      <section className="admin-block" aria-label={t("invite.takers")}>
        <header>
          <h3>{t("invite.takers")}</h3>
        </header>
        {invite.uses.length === 0 && <p className="soft">{t("invite.nobody")}</p>}
        <ul className="admin-list">
          {invite.uses.map(({ subject, name, note, atMs, state }) => (
            <li key={`${subject}-${atMs}`}>
              <span className="person-names">
                <bdi className="person-name">{name || subject}</bdi>
                <bdi className="person-detail">{subject}</bdi>
                {note && <bdi className="person-detail">{note}</bdi>}
              </span>
              <span className={`tag tag-${state === "joined" ? "created" : "none"}`}>{t(STATES[state])}</span>
            </li>
          ))}
        </ul>
      </section>
      {isAsking && (
        <AskDialog
          title={t("invite.revoke-title", { label: invite.label || t("invite.unnamed") })}
          label={t("invite.revoke")}
          isDanger
          onClose={() => setAsking(false)}
          onDo={async () => {
            await revokeInvite(client, invite.id);
            toast(t("done"));
            onChanged();
          }}
        >
          <p>{t("invite.revoke-why")}</p>
          {waiting > 0 && <p>{t("invite.revoke-waiting", { n: waiting })}</p>}
        </AskDialog>
      )}
    </Panel>
  );
}
