/** One attempt to sign in at a time: whether it is under way, and what became of it. */

import { ParlourError } from "@parlour/client";
import type { Login, SignIn } from "@parlour/client/sign-in";
import { useCallback, useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { sessionOf, theLogin } from "../session/account.ts";
import type { Session } from "../session/session.ts";
import { signInText, type Way } from "./failure.ts";

/** What a form shows, and does. */
export interface Attempt {
  readonly isBusy: boolean;
  /** Why the last one failed. */
  readonly failure: string | undefined;
  /** Whether the same may be tried again, and make sense. */
  readonly mayRetry: boolean;
  /** Signs in, with what is at hand or has to be asked for first; answers with the error it failed with. */
  readonly attempt: (how: SignIn | Asking) => Promise<unknown>;
}

/** Asks the user for what they sign in with. */
export type Asking = (login: Login) => Promise<SignIn>;

/** Attempts of one way to sign in. */
export function useAttempt(way: Way, onSession: (session: Session) => void): Attempt {
  const { t } = useText();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [isLimited, setLimited] = useState(false);
  useEffect(() => {
    const waitMs = error instanceof ParlourError && error.reason === "RATE_LIMITED" ? error.retryAfterMs : 0;
    setLimited(waitMs > 0);
    const timer = setTimeout(() => setLimited(false), waitMs);
    return () => clearTimeout(timer);
  }, [error]);
  const attempt = useCallback(
    async (how: SignIn | Asking) => {
      setBusy(true);
      setError(undefined);
      try {
        const login = await theLogin();
        await login.signIn(typeof how === "function" ? await how(login) : how);
        const session = sessionOf(login);
        if (session) onSession(session);
        return undefined;
      } catch (failed) {
        setError(failed);
        return failed;
      } finally {
        setBusy(false);
      }
    },
    [onSession],
  );
  const isFinal = error instanceof ParlourError && error.reason !== undefined && error.retry === "NEVER";
  return {
    isBusy: isBusy || isLimited,
    failure: error === undefined ? undefined : signInText(error, way, t),
    mayRetry: error !== undefined && !isFinal,
    attempt,
  };
}
