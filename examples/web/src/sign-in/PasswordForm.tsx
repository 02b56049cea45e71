/** Signing in with a password. The fields are called what password managers look for. */

import { SignIn } from "@parlour/client/sign-in";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n/text.ts";
import type { Session } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { useAttempt } from "./attempt.ts";

const KEY = "parlour.last";

interface Last {
  readonly organization: string;
  readonly handle: string;
}

function last(): Last {
  try {
    return {
      organization: "",
      handle: "",
      ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Last>),
    };
  } catch {
    return { organization: "", handle: "" };
  }
}

interface Props {
  onSession: (session: Session) => void;
  /** Whether the browser may offer passkeys where it fills in names. */
  hasPasskeys: boolean;
}

/** The form. */
export function PasswordForm({ onSession, hasPasskeys }: Props) {
  const { t } = useText();
  const [{ organization, handle }] = useState(last);
  const { isBusy, failure, attempt } = useAttempt("password", onSession);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // Read from the form: password managers don't always tell of what they have filled in.
    const form = event.currentTarget;
    const field = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value;
    const who = {
      organization: field("organization").trim(),
      handle: field("username").trim().replace(/^@/, ""),
    };
    const error = await attempt(SignIn.password(who.organization, who.handle, field("password")));
    if (error === undefined) localStorage.setItem(KEY, JSON.stringify(who));
    else (form.elements.namedItem("password") as HTMLInputElement | null)?.select();
  };
  const name = {
    className: "field",
    dir: "auto",
    autoCapitalize: "none",
    spellCheck: false,
    required: true,
  } as const;
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      {failure && <Failure text={failure} />}
      <label className="labelled">
        {t("sign-in.organization")}
        <input {...name} name="organization" autoComplete="organization" defaultValue={organization} />
      </label>
      <label className="labelled">
        {t("sign-in.handle")}
        <input
          {...name}
          name="username"
          autoComplete={hasPasskeys ? "username webauthn" : "username"}
          defaultValue={handle}
        />
      </label>
      <label className="labelled">
        {t("sign-in.password")}
        <input className="field" type="password" name="password" autoComplete="current-password" required />
      </label>
      <Button type="submit" look="main" disabled={isBusy}>
        {t("sign-in.go")}
      </Button>
    </form>
  );
}
