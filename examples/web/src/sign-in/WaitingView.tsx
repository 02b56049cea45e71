/** Waiting to be let in: over reloads and lost connections, until somebody decides. */

import { ParlourError } from "@parlour/client";
import { Hourglass } from "lucide-react";
import { useEffect } from "react";
import { useText } from "../i18n/text.ts";
import { sessionOf, theLogin } from "../session/account.ts";
import { type Session, type Word, wrong } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";

interface Props {
  onSession: (session: Session) => void;
  /** They weren't let in, or don't want to wait any longer. */
  onOver: (word: Word | undefined) => void;
}

/** The view. */
export function WaitingView({ onSession, onOver }: Props) {
  const { t } = useText();
  useEffect(() => {
    const ended = new AbortController();
    const wait = async () => {
      const login = await theLogin();
      await login.untilLetIn({ signal: ended.signal });
      const session = sessionOf(login);
      if (session) onSession(session);
    };
    wait().catch((error: unknown) => {
      if (ended.signal.aborted) return;
      const isDeclined = error instanceof ParlourError && error.reason === "SIGN_IN_REFUSED";
      onOver(isDeclined ? { key: "invite.declined", isCalm: true } : wrong("error.unknown"));
    });
    return () => ended.abort();
  }, [onSession, onOver]);
  const stop = async () => {
    await (await theLogin()).forget().catch(() => undefined);
    onOver(undefined);
  };
  return (
    <>
      <p role="status" className="sign-in-waiting">
        <Hourglass size={20} strokeWidth={1.75} aria-hidden />
        <span>{t("invite.waiting")}</span>
      </p>
      <p>{t("invite.waiting-why")}</p>
      <Button onClick={() => void stop()}>{t("invite.stop")}</Button>
    </>
  );
}
