/** The user's passkeys: which there are, adding one, removing one. */

import { ParlourError } from "@parlour/client";
import { canUsePasskeys, offered, type Passkey, Passkeys } from "@parlour/client/sign-in";
import { Fingerprint } from "lucide-react";
import { type FormEvent, useCallback, useEffect, useMemo, useState } from "react";
import { agoOf, dayOf } from "../i18n/dates.ts";
import type { Key, Translate } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useAction } from "../sdk/action.ts";
import { useSigned } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { device } from "../session/agent.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";

/** What 100 bytes have room for in most scripts; the server counts. */
const NAME_CHARS_MAX = 50;

/** The section; nothing where the server has no passkeys. */
export function PasskeySettings() {
  const { t } = useText();
  const { passkeys, listed, isOffered, failure, read } = usePasskeys();
  if (listed?.length === 0 && !isOffered) return null;
  return (
    <section className="settings-section" aria-label={t("passkeys.title")}>
      <h4>{t("passkeys.title")}</h4>
      <p className="settings-hint">{t("passkeys.why")}</p>
      {failure && <Failure text={failure} />}
      {!listed && !failure && <p>{t("state.loading")}</p>}
      {listed?.length === 0 && <p className="settings-state">{t("passkeys.none")}</p>}
      {listed && listed.length > 0 && (
        <ul className="passkeys">
          {listed.map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} passkeys={passkeys} onRemoved={read} />
          ))}
        </ul>
      )}
      {listed && isOffered && <Adding passkeys={passkeys} onAdded={read} />}
    </section>
  );
}

function usePasskeys() {
  const { t } = useText();
  const { client, session } = useSigned();
  const passkeys = useMemo(() => new Passkeys(client), [client]);
  const [listed, setListed] = useState<readonly Passkey[]>();
  const [isOffered, setOffered] = useState(false);
  const [failure, setFailure] = useState<string>();
  const read = useCallback(() => {
    Promise.all([passkeys.list(), offered(session.url)]).then(
      ([all, offers]) => {
        setOffered(offers.passkeys);
        setListed(all);
        setFailure(undefined);
      },
      (error: unknown) => setFailure(failureText(error, t)),
    );
  }, [passkeys, session, t]);
  useEffect(read, [read]);
  return { passkeys, listed, isOffered, failure, read };
}

const KINDS: Partial<Record<string, Key>> = {
  "no-passkeys": "passkeys.none-here",
  "passkey-cancelled": "passkeys.cancelled",
  "passkey-exists": "passkeys.exists",
  "passkey-elsewhere": "passkeys.elsewhere",
  "passkey-failed": "passkeys.failed",
};

const REASONS: Partial<Record<string, Key>> = {
  WRONG_PASSWORD: "password.wrong",
  TOO_MANY_PASSKEYS: "passkeys.too-many",
  PASSKEYS_DISABLED: "passkeys.no-more",
};

function passkeyText(error: unknown, t: Translate): string {
  if (!(error instanceof ParlourError)) return failureText(error, t);
  const { kind, reason = "", violations } = error;
  if (reason === "INVALID_FIELD")
    return t(violations.some(({ field }) => field === "name") ? "passkeys.long" : "passkeys.refused");
  const key = REASONS[reason] ?? KINDS[kind];
  return key ? t(key) : failureText(error, t);
}

interface RowProps {
  passkey: Passkey;
  passkeys: Passkeys;
  onRemoved: () => void;
}

function PasskeyRow({ passkey, passkeys, onRemoved }: RowProps) {
  const { t } = useText();
  const [isAsked, setAsked] = useState(false);
  const { isBusy, failure, run } = useAction(passkeyText);
  const remove = async () => {
    if (await run(() => passkeys.remove(passkey.id))) onRemoved();
  };
  const { usedMs, createdMs, isSynced } = passkey;
  const name = passkey.name || t("passkeys.unnamed");
  return (
    <li>
      <div className="passkey">
        <Fingerprint size={20} strokeWidth={1.5} aria-hidden />
        <div className="person-names">
          <bdi className="person-name">{name}</bdi>
          <span className="person-detail">
            {usedMs === undefined ? t("passkeys.never") : t("logins.used", { when: agoOf(usedMs) })}
            {" · "}
            {t("passkeys.added", { when: dayOf(createdMs) })}
            {isSynced && ` · ${t("passkeys.synced")}`}
          </span>
        </div>
        {!isAsked && (
          <Button aria-label={t("passkeys.remove-of", { name })} onClick={() => setAsked(true)}>
            {t("action.remove")}
          </Button>
        )}
      </div>
      {isAsked && (
        <div className="passkey-removal">
          <strong>{t("passkeys.remove", { name })}</strong>
          <p>{t("passkeys.remove-why")}</p>
          {failure && <Failure text={failure} />}
          <div className="settings-line">
            {/* It takes the place of the button that was just pressed. */}
            <Button autoFocus onClick={() => setAsked(false)}>
              {t("action.cancel")}
            </Button>
            <Button look="danger" disabled={isBusy} onClick={() => void remove()}>
              {t("action.remove")}
            </Button>
          </div>
        </div>
      )}
    </li>
  );
}

interface AddingProps {
  passkeys: Passkeys;
  onAdded: () => void;
}

function Adding({ passkeys, onAdded }: AddingProps) {
  const { t } = useText();
  const [isOpen, setOpen] = useState(false);
  const [isDone, setDone] = useState(false);
  if (!canUsePasskeys()) return <p className="settings-hint">{t("passkeys.none-here")}</p>;
  if (isOpen)
    return (
      <AddForm
        passkeys={passkeys}
        onClose={() => setOpen(false)}
        onAdded={() => {
          setOpen(false);
          setDone(true);
          onAdded();
        }}
      />
    );
  return (
    <div className="settings-line">
      <Button
        onClick={() => {
          setOpen(true);
          setDone(false);
        }}
      >
        {t("passkeys.add")}
      </Button>
      {isDone && <span role="status">{t("passkeys.done")}</span>}
    </div>
  );
}

function AddForm({ passkeys, onAdded, onClose }: AddingProps & { onClose: () => void }) {
  const { t } = useText();
  const { session } = useSigned();
  const { isBusy, failure, run } = useAction(passkeyText);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const field = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value;
    const passkey = { name: field("name").trim(), subject: session.subject, password: field("current") };
    if (await run(() => passkeys.add(passkey))) onAdded();
  };
  return (
    <form className="settings-form" onSubmit={(event) => void submit(event)}>
      <label className="labelled">
        {t("passkeys.name")}
        <input
          className="field"
          dir="auto"
          name="name"
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: somebody has just asked for this form.
          autoFocus
          required
          maxLength={NAME_CHARS_MAX}
          defaultValue={device()}
        />
        <small>{t("passkeys.name-why")}</small>
      </label>
      <label className="labelled">
        {t("password.current")}
        <input className="field" type="password" name="current" autoComplete="current-password" />
        <small>{t("password.current-why")}</small>
      </label>
      {failure && <Failure text={failure} />}
      <div className="settings-line">
        <Button type="submit" look="main" disabled={isBusy}>
          {t("passkeys.go")}
        </Button>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
      </div>
    </form>
  );
}
