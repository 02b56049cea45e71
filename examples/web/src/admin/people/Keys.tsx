/** The keys of a program. */

import { type Account, type ApiKey, createKey, keys, revokeKey } from "@parlour/client/admin";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { stampOf } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { CheckField, ChoiceField, TextField } from "../parts/Fields.tsx";
import type { Told } from "../parts/Secret.tsx";
import { Waiting } from "../parts/Section.tsx";
import { useAdminText } from "../text.ts";
import { SPANS, type SpanName, secondsOf } from "./spans.ts";

interface Props {
  account: Account;
  onTold: (told: Told) => void;
  onChanged: () => void;
}

/** The list. */
export function Keys({ account, onTold, onChanged }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  const all = useLoaded((options) => keys(client, account.subject, options), account.subject);
  const [isNew, setNew] = useState(false);
  const [leaving, setLeaving] = useState<ApiKey>();
  const changed = () => {
    all.reload();
    onChanged();
  };
  return (
    <section className="admin-block" aria-label={t("keys.title")}>
      <header>
        <h3>{t("keys.title")}</h3>
        <Button look="quiet" onClick={() => setNew(true)}>
          <Plus size={15} aria-hidden /> {t("keys.new")}
        </Button>
      </header>
      <Waiting of={all} />
      {all.value?.length === 0 && <p className="soft">{t("keys.none")}</p>}
      <ul className="admin-list">
        {all.value?.map((key) => (
          <li key={key.id}>
            <span className="person-names">
              <bdi className="person-name">{key.name}</bdi>
              <bdi className="person-detail">{key.scopes.join(" ") || t("account.no-scopes")}</bdi>
              <span className="person-detail">
                <KeyState of={key} />
              </span>
            </span>
            {!key.isRevoked && (
              <button type="button" className="link-button danger" onClick={() => setLeaving(key)}>
                {t("keys.revoke")} <span className="visually-hidden">{key.name}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {isNew && (
        <NewKeyDialog account={account} onTold={onTold} onDone={changed} onClose={() => setNew(false)} />
      )}
      {leaving && (
        <AskDialog
          title={t("keys.revoke-title", { name: leaving.name })}
          label={t("keys.revoke")}
          isDanger
          onClose={() => setLeaving(undefined)}
          onDo={async () => {
            toast(t("sessions.closed", { n: await revokeKey(client, account.subject, leaving.id) }));
            changed();
          }}
        >
          <p>{t("keys.revoke-why")}</p>
        </AskDialog>
      )}
    </section>
  );
}

function KeyState({ of: { isRevoked, expiresMs, creator } }: { of: ApiKey }) {
  const { t } = useAdminText();
  if (isRevoked) return <>{t("keys.revoked")}</>;
  if (expiresMs === undefined) return <>{t("keys.for-ever", { creator })}</>;
  const isOver = expiresMs <= Date.now();
  return <>{t(isOver ? "keys.over" : "keys.until", { when: stampOf(expiresMs), creator })}</>;
}

interface NewProps {
  account: Account;
  onTold: (told: Told) => void;
  onDone: () => void;
  onClose: () => void;
}

function NewKeyDialog({ account, onTold, onDone, onClose }: NewProps) {
  const { t } = useAdminText();
  const client = useClient();
  const [name, setName] = useState("");
  const [span, setSpan] = useState<SpanName>("year");
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set(account.scopes));
  const turn = (scope: string, isOn: boolean) =>
    setScopes(new Set(isOn ? [...scopes, scope] : [...scopes].filter((it) => it !== scope)));
  return (
    <AskDialog
      title={t("keys.new")}
      label={t("keys.new")}
      isReady={name.trim() !== ""}
      onClose={onClose}
      onDo={async () => {
        const wanted = { name: name.trim(), scopes: [...scopes], validS: secondsOf(span) };
        const { key, secret } = await createKey(client, account.subject, wanted);
        onDone();
        const title = t("keys.told-title", { name: wanted.name });
        onTold({ title, why: t("keys.told"), text: secret, expiresMs: key?.expiresMs });
      }}
    >
      <TextField label={t("keys.name")} value={name} maxLength={60} data-autofocus onText={setName} />
      <ChoiceField
        label={t("keys.valid")}
        value={span}
        options={[...SPANS, "ever" as const].map((it) => [it, t(`span.${it}`)] as const)}
        onChoose={setSpan}
      />
      {account.scopes.length > 0 && (
        <fieldset className="labelled">
          <legend>{t("account.scopes")}</legend>
          {account.scopes.map((scope) => (
            <CheckField
              key={scope}
              label={scope}
              isOn={scopes.has(scope)}
              onTurn={(isOn) => turn(scope, isOn)}
            />
          ))}
        </fieldset>
      )}
    </AskDialog>
  );
}

/** What an account signs in with. */
export function Way({ account }: { account: Account | undefined }) {
  const { t } = useAdminText();
  if (!account) return <span className="soft">{t("account.none")}</span>;
  if (account.isService) return <>{t("account.keys", { n: account.keys })}</>;
  return <>{t(account.hasPassword ? "account.password" : "account.link")}</>;
}
