/** Signing in with a link: at once, unless somebody else is signed in here. */

import { SignIn } from "@parlour/client/sign-in";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { leave } from "../session/connect.ts";
import type { Session } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { useAttempt } from "./attempt.ts";

interface Props {
  code: string;
  onSession: (session: Session) => void;
}

/** What is shown meanwhile, and if it fails. */
export function LinkView({ code, onSession }: Props) {
  const { t } = useText();
  const { isBusy, failure, mayRetry, attempt } = useAttempt("link", onSession);
  useEffect(() => void attempt(SignIn.code(code)), [attempt, code]);
  if (!failure) return <p role="status">{t("sign-in.going")}</p>;
  return (
    <>
      <Failure text={failure} />
      {mayRetry && (
        <Button look="main" disabled={isBusy} onClick={() => void attempt(SignIn.code(code))}>
          {t("action.retry")}
        </Button>
      )}
    </>
  );
}

interface InsteadProps {
  session: Session;
  onStay: () => void;
  onLeft: () => void;
}

/** Whether to sign out who is signed in. */
export function Instead({ session, onStay, onLeft }: InsteadProps) {
  const { t } = useText();
  const [isBusy, setBusy] = useState(false);
  const name = session.subject;
  return (
    <>
      <p>{t("sign-in.instead", { name })}</p>
      <Button look="main" disabled={isBusy} onClick={onStay}>
        {t("sign-in.stay", { name })}
      </Button>
      <Button
        disabled={isBusy}
        onClick={() => {
          setBusy(true);
          void leave(session).then(onLeft);
        }}
      >
        {t("sign-in.change")}
      </Button>
    </>
  );
}
