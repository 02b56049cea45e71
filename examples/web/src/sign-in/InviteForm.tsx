/** Taking an invite: what the account is called, and a word to whoever lets them in. */

import { ParlourError } from "@parlour/client";
import { SignIn } from "@parlour/client/sign-in";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n/text.ts";
import type { Session } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { useAttempt } from "./attempt.ts";
import { handleFor } from "./handle.ts";

interface Props {
  code: string;
  onSession: (session: Session) => void;
  /** Somebody has to let them in. */
  onWaiting: () => void;
}

/** The form. */
export function InviteForm({ code, onSession, onWaiting }: Props) {
  const { t } = useText();
  const [name, setName] = useState("");
  const [own, setOwn] = useState<string>();
  const [note, setNote] = useState("");
  const { isBusy, failure, attempt } = useAttempt("invite", onSession);
  const subject = own ?? handleFor(name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const error = await attempt(SignIn.invite(code, { subject, name: name.trim(), note: note.trim() }));
    if (error instanceof ParlourError && error.reason === "KNOCK_WAITING") onWaiting();
  };
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      {failure && <Failure text={failure} />}
      <label className="labelled">
        {t("invite.name")}
        <input
          className="field"
          dir="auto"
          name="name"
          autoComplete="name"
          // biome-ignore lint/a11y/noAutofocus: the page is this form, and its heading comes just before.
          autoFocus
          required
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="labelled">
        {t("invite.handle")}
        <input
          className="field"
          dir="ltr"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={32}
          pattern="[a-z0-9._\-]+"
          title={t("invite.handle-why")}
          aria-describedby="handle-why"
          value={subject}
          onChange={(event) => setOwn(event.target.value.toLowerCase())}
        />
        <small id="handle-why">{t("invite.handle-why")}</small>
      </label>
      <label className="labelled">
        {t("invite.note")}
        <textarea
          className="field"
          dir="auto"
          rows={2}
          maxLength={240}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        <small>{t("invite.note-why")}</small>
      </label>
      <Button type="submit" look="main" disabled={isBusy}>
        {t("invite.go")}
      </Button>
    </form>
  );
}
