/** Those who wait to be let in, decided on in place. */

import { decideKnock, type Invite, type InviteUse } from "@parlour/client/admin";
import { Check, X } from "lucide-react";
import { agoOf } from "../../i18n/dates.ts";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/Failure.tsx";
import { toast } from "../../ui/toast.tsx";
import { useAct } from "../parts/Action.tsx";
import { useAdminText } from "../text.ts";

interface Knock {
  readonly invite: Invite;
  readonly use: InviteUse;
}

/** Everybody who waits, the first who came first. */
export function knocksOf(invites: readonly Invite[]): Knock[] {
  const all = invites.flatMap((invite) => invite.uses.map((use) => ({ invite, use })));
  return all.filter(({ use }) => use.state === "waiting").sort((a, b) => a.use.atMs - b.use.atMs);
}

/** The list; nothing while nobody waits. */
export function Knocks({ invites, onDecided }: { invites: readonly Invite[]; onDecided: () => void }) {
  const { t } = useAdminText();
  const knocks = knocksOf(invites);
  return (
    <section className="knocks" aria-label={t("knocks.title")}>
      <h2 aria-live="polite" className={knocks.length === 0 ? "visually-hidden" : ""}>
        {t("knocks.count", { n: knocks.length })}
      </h2>
      <ul>
        {knocks.map(({ invite, use }) => (
          <KnockCard key={`${invite.id}-${use.subject}`} invite={invite} use={use} onDecided={onDecided} />
        ))}
      </ul>
    </section>
  );
}

function KnockCard({ invite, use, onDecided }: Knock & { onDecided: () => void }) {
  const { t } = useAdminText();
  const client = useClient();
  const { act, isBusy, failure } = useAct();
  const { subject, note, atMs } = use;
  const name = use.name || subject;
  const decide = (approve: boolean) =>
    act(async () => {
      await decideKnock(client, invite.id, subject, approve);
      toast(t(approve ? "knock.let-in" : "knock.turned-away", { name }));
      onDecided();
    });
  return (
    <li className="knock">
      <span className="person-names">
        <span>
          <bdi className="person-name">{name}</bdi> <bdi className="soft">{subject}</bdi>
        </span>
        <span className="person-detail">
          {t("knock.with", { invite: invite.label || t("invite.unnamed"), when: agoOf(atMs) })}
        </span>
        {note && (
          <q className="knock-note" dir="auto">
            {note}
          </q>
        )}
        {failure && <Failure text={failure} />}
      </span>
      <span className="knock-tools">
        <Button look="main" disabled={isBusy} onClick={() => void decide(true)}>
          <Check size={15} aria-hidden /> {t("knock.approve")} <span className="visually-hidden">{name}</span>
        </Button>
        <Button disabled={isBusy} onClick={() => void decide(false)}>
          <X size={15} aria-hidden /> {t("knock.decline")} <span className="visually-hidden">{name}</span>
        </Button>
      </span>
    </li>
  );
}
