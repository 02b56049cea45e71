/** Signing in with a passkey: asked for by a button, or chosen where the browser fills in the handle. */

import { askForPasskey, canAutofillPasskeys } from "@parlour/client/sign-in";
import { Fingerprint } from "lucide-react";
import { useEffect, useRef } from "react";
import { useText } from "../i18n/text.ts";
import { theLogin } from "../session/account.ts";
import type { Session } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { type Attempt, useAttempt } from "./attempt.ts";

/** The button. */
export function PasskeyButton({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useText();
  const { isBusy, failure, attempt } = useAttempt("passkey", onSession);
  const asking = useRef<AbortController>(undefined);
  useEffect(() => () => asking.current?.abort(), []);
  // A browser asks for one passkey at a time: what is offered for filling in gives way to the button.
  useAutofill(!isBusy, attempt);
  const ask = () => {
    asking.current = new AbortController();
    const { signal } = asking.current;
    void attempt((login) => askForPasskey(login, { signal }));
  };
  return (
    <>
      {failure && <Failure text={failure} />}
      <Button disabled={isBusy} onClick={ask}>
        <Fingerprint size={17} strokeWidth={1.75} aria-hidden /> {t("sign-in.passkey")}
      </Button>
    </>
  );
}

function useAutofill(isOn: boolean, attempt: Attempt["attempt"]): void {
  useEffect(() => {
    if (!isOn) return;
    const ended = new AbortController();
    const fill = async () => {
      if (!(await canAutofillPasskeys())) return;
      const how = await askForPasskey(await theLogin(), { autofill: true, signal: ended.signal });
      await attempt(how);
    };
    // Nobody has asked for it yet, so nobody misses it: the button says what is wrong.
    fill().catch(() => undefined);
    return () => ended.abort();
  }, [isOn, attempt]);
}
