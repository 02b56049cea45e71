/** Signing in with a token. Sign-in by link, password or passkey will stand beside it. */

import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { Button } from "../ui/Button.tsx";

interface Props {
  /** Why there is no session, where there was one. */
  failure: string | undefined;
  onToken: (token: string) => void;
}

/** The page. */
export function SignIn({ failure, onToken }: Props) {
  const { t } = useText();
  const [token, setToken] = useState("");
  return (
    <main className="sign-in">
      <form
        className="sign-in-box"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim()) onToken(token);
        }}
      >
        <img src="./icon.svg" alt="" width={52} height={52} />
        <h1>{t("sign-in.title")}</h1>
        <p>{t("sign-in.why")}</p>
        {failure && (
          <p className="failure" role="alert">
            {failure}
          </p>
        )}
        <label className="labelled">
          {t("sign-in.token")}
          <textarea
            className="field token"
            dir="ltr"
            rows={4}
            spellCheck={false}
            autoComplete="off"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
          />
        </label>
        <Button type="submit" look="main" disabled={token.trim() === ""}>
          {t("sign-in.go")}
        </Button>
      </form>
    </main>
  );
}
