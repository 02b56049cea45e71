/** The user's account, where the server keeps it: the password, passkeys, and where they are signed in. */

import { ParlourError } from "@parlour/client";
import type { Account, ListedLogin } from "@parlour/client/sign-in";
import { MonitorSmartphone } from "lucide-react";
import { type FormEvent, useCallback, useEffect, useMemo, useState } from "react";
import { agoOf, dayOf } from "../i18n/dates.ts";
import type { Key, Translate } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useAction } from "../sdk/action.ts";
import { useSigned } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { PasskeySettings } from "./PasskeySettings.tsx";

const PASSWORD_CHARS_MIN = 10;

/** The page. */
export function AccountSettings() {
  const { t } = useText();
  const { client, session } = useSigned();
  const account = useMemo(() => session.account?.(client), [client, session]);
  const { logins, failure, read } = useLogins(account);
  if (!account) return null;
  return (
    <>
      <h3>{t("settings.account")}</h3>
      <Password account={account} onSet={read} />
      <PasskeySettings />
      <section className="settings-section" aria-label={t("logins.title")}>
        <h4>{t("logins.title")}</h4>
        {failure && <Failure text={failure} />}
        {!logins && !failure && <p>{t("state.loading")}</p>}
        <ul className="logins">
          {logins?.map((login) => (
            <LoginRow key={login.id} login={login} account={account} onEnded={read} />
          ))}
        </ul>
        {logins && logins.length > 1 && <EndOthers account={account} onEnded={read} />}
      </section>
    </>
  );
}

function useLogins(account: Account | undefined) {
  const { t } = useText();
  const [logins, setLogins] = useState<readonly ListedLogin[]>();
  const [failure, setFailure] = useState<string>();
  const read = useCallback(() => {
    account?.logins().then(
      (all) => setLogins(all.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent))),
      (error: unknown) => setFailure(failureText(error, t)),
    );
  }, [account, t]);
  useEffect(read, [read]);
  return { logins, failure, read };
}

function passwordText(error: unknown, t: Translate): string {
  const reason = error instanceof ParlourError ? error.reason : undefined;
  if (reason === "WRONG_PASSWORD") return t("password.wrong");
  return reason === "INVALID_FIELD" ? t("password.short") : failureText(error, t);
}

function Password({ account, onSet }: { account: Account; onSet: () => void }) {
  const { t } = useText();
  const { session } = useSigned();
  const { isBusy, failure, isDone, run } = useAction(passwordText);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const field = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value;
    if (!(await run(() => account.setPassword(field("current"), field("new"))))) return;
    form.reset();
    onSet();
  };
  return (
    <form className="settings-form" onSubmit={(event) => void submit(event)}>
      <h4>{t("password.title")}</h4>
      {/* Password managers keep a password under this name. */}
      <input
        type="text"
        name="username"
        autoComplete="username"
        defaultValue={session.subject}
        readOnly
        hidden
      />
      <label className="labelled">
        {t("password.current")}
        <input className="field" type="password" name="current" autoComplete="current-password" />
        <small>{t("password.current-why")}</small>
      </label>
      <label className="labelled">
        {t("password.new")}
        <input
          className="field"
          type="password"
          name="new"
          autoComplete="new-password"
          required
          minLength={PASSWORD_CHARS_MIN}
          maxLength={200}
        />
        <small>{t("password.new-why", { n: PASSWORD_CHARS_MIN })}</small>
      </label>
      {failure && <Failure text={failure} />}
      <div className="settings-line">
        <Button type="submit" look="main" disabled={isBusy}>
          {t("password.set")}
        </Button>
        {isDone && <span role="status">{t("password.done")}</span>}
      </div>
    </form>
  );
}

const METHODS: Record<ListedLogin["method"], Key> = {
  link: "logins.link",
  password: "logins.password",
  invite: "logins.invite",
  passkey: "logins.passkey",
  unknown: "logins.unknown",
};

interface RowProps {
  login: ListedLogin;
  account: Account;
  onEnded: () => void;
}

function LoginRow({ login, account, onEnded }: RowProps) {
  const { t } = useText();
  const { isBusy, failure, run } = useAction();
  const end = async () => {
    if (await run(() => account.endLogin(login.id))) onEnded();
  };
  const name = login.agent || t("logins.unnamed");
  return (
    <li className="login">
      <MonitorSmartphone size={20} strokeWidth={1.5} aria-hidden />
      <div className="person-names">
        <bdi className="person-name">{name}</bdi>
        <span className="person-detail">
          {login.isCurrent ? t("logins.current") : t("logins.used", { when: agoOf(login.usedMs) })}
          {" · "}
          {t(METHODS[login.method], { when: dayOf(login.sinceMs) })}
        </span>
        {failure && <Failure text={failure} />}
      </div>
      {!login.isCurrent && (
        <Button disabled={isBusy} aria-label={t("logins.end-of", { name })} onClick={() => void end()}>
          {t("logins.end")}
        </Button>
      )}
    </li>
  );
}

function EndOthers({ account, onEnded }: { account: Account; onEnded: () => void }) {
  const { t } = useText();
  const { isBusy, failure, run } = useAction();
  const end = async () => {
    if (await run(() => account.endOtherLogins())) onEnded();
  };
  return (
    <>
      {failure && <Failure text={failure} />}
      <div className="settings-line">
        <Button look="danger" disabled={isBusy} onClick={() => void end()}>
          {t("logins.end-others")}
        </Button>
      </div>
    </>
  );
}
