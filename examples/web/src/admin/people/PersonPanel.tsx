/** One person or program: what is known of them, and what admins may do about them. */

import { createSignInLink, pageLink, revoke, setAccountScopes } from "@parlour/client/admin";
import { ArrowRightLeft, Link, LogOut, ShieldCheck, UserCheck, UserCog, UserX } from "lucide-react";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { stampOf } from "../format.ts";
import { AskDialog } from "../parts/Action.tsx";
import { TextField } from "../parts/Fields.tsx";
import type { Told } from "../parts/Secret.tsx";
import { type Fact, Facts, Panel } from "../parts/Section.tsx";
import { useMay } from "../scopes.ts";
import { useAdminText } from "../text.ts";
import { EndLoginsDialog } from "./EndLoginsDialog.tsx";
import { Keys, Way } from "./Keys.tsx";
import {
  DeactivateDialog,
  HandOverDialog,
  ReactivateDialog,
  RoleInOrganizationDialog,
} from "./LeavingDialogs.tsx";
import type { Person } from "./people.ts";

interface Props {
  person: Person;
  onChanged: () => void;
  /** There is something to be told once. */
  onTold: (told: Told) => void;
}

type Opened = "role" | "deactivate" | "reactivate" | "hand-over" | "link" | "sign-out" | "scopes" | undefined;

/** The panel. */
export function PersonPanel({ person, onChanged, onTold }: Props) {
  const { t } = useAdminText();
  const [opened, setOpened] = useState<Opened>();
  const [seesDirectory, seesAccounts] = [useMay("admin:directory"), useMay("admin:accounts")];
  const maySignOut = useMay("admin:accounts", "admin:sessions");
  const { account, user, isDeactivated, isProgram } = person;
  const dialog = { person, onDone: onChanged, onClose: () => setOpened(undefined) };
  return (
    <Panel title={person.name} detail={person.subject} part="people">
      <div className="person-head">
        <Avatar id={person.id} user={user} size={52} />
        <span className="tags">
          {person.role && <span className={`tag tag-${person.role}`}>{person.role}</span>}
          {isDeactivated && <span className="tag tag-removed">{t("people.deactivated")}</span>}
        </span>
      </div>
      <Facts of={useFacts(person)} />
      <div className="admin-actions">
        {seesAccounts && !isProgram && !isDeactivated && (
          <Action icon={Link} label={t("person.link")} onClick={() => setOpened("link")} />
        )}
        {seesDirectory && !isDeactivated && (
          <Action icon={UserCog} label={t("person.change-role")} onClick={() => setOpened("role")} />
        )}
        {seesAccounts && account && (
          <Action icon={ShieldCheck} label={t("person.scopes")} onClick={() => setOpened("scopes")} />
        )}
        {maySignOut && !isDeactivated && (
          <Action icon={LogOut} label={t("person.sign-out")} onClick={() => setOpened("sign-out")} />
        )}
        {seesDirectory && (
          <Action
            icon={ArrowRightLeft}
            label={t("person.hand-over")}
            onClick={() => setOpened("hand-over")}
          />
        )}
        {seesDirectory && isDeactivated && (
          <Action icon={UserCheck} label={t("person.reactivate")} onClick={() => setOpened("reactivate")} />
        )}
        {seesDirectory && !isDeactivated && (
          <Action
            icon={UserX}
            label={t("person.deactivate")}
            isDanger
            onClick={() => setOpened("deactivate")}
          />
        )}
      </div>
      {account?.isService && seesAccounts && <Keys account={account} onTold={onTold} onChanged={onChanged} />}
      {opened === "role" && <RoleInOrganizationDialog {...dialog} />}
      {opened === "deactivate" && <DeactivateDialog {...dialog} />}
      {opened === "reactivate" && <ReactivateDialog {...dialog} />}
      {opened === "hand-over" && <HandOverDialog {...dialog} />}
      {opened === "link" && <LinkDialog {...dialog} onTold={onTold} />}
      {opened === "scopes" && <ScopesDialog {...dialog} />}
      {opened === "sign-out" &&
        (account ? (
          <EndLoginsDialog account={account} name={person.name} {...dialog} />
        ) : (
          <RevokeDialog {...dialog} />
        ))}
    </Panel>
  );
}

function useFacts({ user, account }: Person): Fact[] {
  const { t } = useAdminText();
  const { handle, title, pronouns, timeZone } = user?.profile ?? {};
  const ofProfile = [
    [t("person.handle"), handle && `@${handle}`],
    [t("person.title"), title],
    [t("person.pronouns"), pronouns],
    [t("person.zone"), timeZone],
  ] as const;
  const ofAccount = (it: NonNullable<typeof account>): Fact[] => [
    [t("account.created"), stampOf(it.createdMs)],
    [t("account.way"), <Way key="way" account={it} />],
    [t("account.logins"), t("account.places", { n: it.logins })],
    [t("account.scopes"), <Scopes key="scopes" scopes={it.scopes} />],
  ];
  return [...ofProfile.filter(([, value]) => value), ...(account ? ofAccount(account) : [])];
}

function Scopes({ scopes }: { scopes: readonly string[] }) {
  const { t } = useAdminText();
  if (scopes.length === 0) return <>{t("account.no-scopes")}</>;
  return (
    <span className="tags" dir="ltr">
      {scopes.map((scope) => (
        <code key={scope} className="tag">
          {scope}
        </code>
      ))}
    </span>
  );
}

interface ActionProps {
  icon: typeof Link;
  label: string;
  isDanger?: boolean;
  onClick: () => void;
}

function Action({ icon: Icon, label, isDanger = false, onClick }: ActionProps) {
  return (
    <Button className={isDanger ? "danger" : ""} onClick={onClick}>
      <Icon size={15} aria-hidden /> {label}
    </Button>
  );
}

interface DialogProps {
  person: Person;
  onDone: () => void;
  onClose: () => void;
}

/** A link with which they sign in; the one before is no longer good. */
function LinkDialog({ person, onDone, onClose, onTold }: DialogProps & { onTold: (told: Told) => void }) {
  const { t } = useAdminText();
  const client = useClient();
  return (
    <AskDialog
      title={t("person.link-title", { name: person.name })}
      label={t("person.link")}
      onClose={onClose}
      onDo={async () => {
        const { code, expiresMs } = await createSignInLink(client, person.subject);
        onDone();
        onTold({
          title: t("person.link-title", { name: person.name }),
          why: t("person.link-told", { name: person.name }),
          text: pageLink({ page: location.href, code }),
          expiresMs,
        });
      }}
    >
      <p>{t("person.link-why")}</p>
    </AskDialog>
  );
}

function ScopesDialog({ person: { subject, name, account }, onDone, onClose }: DialogProps) {
  const { t, common } = useAdminText();
  const client = useClient();
  const [text, setText] = useState(account?.scopes.join(" ") ?? "");
  return (
    <AskDialog
      title={t("person.scopes-title", { name })}
      label={common("action.save")}
      isDanger
      onClose={onClose}
      onDo={async () => {
        await setAccountScopes(client, subject, text.split(/\s+/).filter(Boolean));
        toast(t("done"));
        onDone();
      }}
    >
      <TextField
        label={t("account.scopes")}
        hint={t("person.scopes-hint")}
        dir="ltr"
        spellCheck={false}
        value={text}
        data-autofocus
        onText={setText}
      />
      <p>{t("person.scopes-why")}</p>
    </AskDialog>
  );
}

/** For those whose tokens are made elsewhere. */
function RevokeDialog({ person: { subject, name }, onDone, onClose }: DialogProps) {
  const { t } = useAdminText();
  const client = useClient();
  return (
    <AskDialog
      title={t("person.sign-out-title", { name })}
      label={t("person.sign-out")}
      isDanger
      onClose={onClose}
      onDo={async () => {
        toast(t("sessions.closed", { n: await revoke(client, { subject }) }));
        onDone();
      }}
    >
      <p>{t("person.revoke-why")}</p>
    </AskDialog>
  );
}
