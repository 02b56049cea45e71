/** What somebody was given and pastes: a sign-in link, an invite, or a token. */

import { parseSignInLink } from "@parlour/client/sign-in";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n/text.ts";
import type { Given } from "../session/address.ts";
import { NotAToken, type Session } from "../session/session.ts";
import { TokenSignIn } from "../session/token.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";

interface Props {
  what: "link" | "token";
  onCode: (given: Extract<Given, { code: string }>) => void;
  onSession: (session: Session) => void;
}

/** The form. */
export function PasteForm({ what, onCode, onSession }: Props) {
  const { t } = useText();
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    try {
      if (what === "token") return onSession(new TokenSignIn().begin(text));
      const { code, isInvite } = parseSignInLink(text);
      onCode({ is: isInvite ? "invite" : "link", code });
    } catch (error) {
      if (what === "token" && !(error instanceof NotAToken)) throw error;
      setWrong(true);
    }
  };
  return (
    <form className="sign-in-form" onSubmit={submit}>
      <p>{t(`sign-in.${what}-why`)}</p>
      {isWrong && <Failure text={t(`sign-in.no-${what}`)} />}
      <label className="labelled">
        {t(`sign-in.${what}`)}
        <textarea
          className="field token"
          dir="ltr"
          rows={what === "token" ? 4 : 2}
          spellCheck={false}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: somebody has just asked for this field.
          autoFocus
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      </label>
      <Button type="submit" look="main" disabled={text.trim() === ""}>
        {t("sign-in.go")}
      </Button>
    </form>
  );
}
