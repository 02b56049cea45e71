/** The ways in that this server offers. */

import { canUsePasskeys, type IdentityProvider, type Offered, offered } from "@parlour/client/sign-in";
import { KeyRound } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import type { Given } from "../session/address.ts";
import type { Session } from "../session/session.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { PasskeyButton } from "./PasskeyButton.tsx";
import { PasswordForm } from "./PasswordForm.tsx";
import { PasteForm } from "./PasteForm.tsx";

interface Props {
  onSession: (session: Session) => void;
  onCode: (given: Extract<Given, { code: string }>) => void;
}

/** The view. */
export function ChoiceView({ onSession, onCode }: Props) {
  const { t } = useText();
  const { offers, isAway, again } = useOffered();
  const [pasting, setPasting] = useState<"link" | "token">();
  if (isAway)
    return (
      <>
        <Failure text={t("sign-in.away")} />
        <Button onClick={again}>{t("action.retry")}</Button>
      </>
    );
  if (!offers) return <p role="status">{t("state.connecting")}</p>;
  if (!isSecureContext && pasting !== "token")
    return (
      <>
        <Failure text={t("sign-in.insecure")} />
        <Others all={["token"]} onChoose={setPasting} />
      </>
    );
  const { providers, accounts } = offers;
  const hasPasskeys = accounts && offers.passkeys && canUsePasskeys();
  const hasWay = accounts || providers.length > 0;
  // Where the server says nothing of itself, somebody was given something.
  const what = pasting ?? (hasWay ? undefined : "token");
  const others = [
    ...(what !== "link" ? (["link"] as const) : []),
    ...(what !== "token" ? (["token"] as const) : []),
  ];
  return (
    <>
      {what ? (
        <PasteForm key={what} what={what} onCode={onCode} onSession={onSession} />
      ) : (
        <>
          {providers.map((provider) => (
            <ProviderButton
              key={`${provider.issuer} ${provider.clientId}`}
              provider={provider}
              isOnly={!accounts}
            />
          ))}
          {hasPasskeys && <PasskeyButton onSession={onSession} />}
          {(providers.length > 0 || hasPasskeys) && accounts && (
            <p className="sign-in-or">{t("sign-in.or")}</p>
          )}
          {accounts && <PasswordForm onSession={onSession} hasPasskeys={hasPasskeys} />}
        </>
      )}
      <Others
        all={others}
        onChoose={setPasting}
        onBack={pasting && hasWay ? () => setPasting(undefined) : undefined}
      />
    </>
  );
}

interface OthersProps {
  all: readonly ("link" | "token")[];
  onChoose: (what: "link" | "token") => void;
  onBack?: (() => void) | undefined;
}

function Others({ all, onChoose, onBack }: OthersProps) {
  const { t } = useText();
  return (
    <p className="sign-in-others">
      {onBack && (
        <button type="button" className="link-button" onClick={onBack}>
          {t("sign-in.other")}
        </button>
      )}
      {all.map((what) => (
        <button key={what} type="button" className="link-button" onClick={() => onChoose(what)}>
          {t(`sign-in.use-${what}`)}
        </button>
      ))}
    </p>
  );
}

function ProviderButton({ provider, isOnly }: { provider: IdentityProvider; isOnly: boolean }) {
  const { t } = useText();
  const [failure, setFailure] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    setFailure(undefined);
    const { begin, wordOf } = await import("../session/provider.ts");
    try {
      await begin(provider);
    } catch (error) {
      setFailure(t(wordOf(error).key, { name: provider.name }));
      setBusy(false);
    }
  };
  return (
    <>
      {failure && <Failure text={failure} />}
      <Button look={isOnly ? "main" : "plain"} disabled={isBusy} onClick={() => void go()}>
        <KeyRound size={17} strokeWidth={1.75} aria-hidden /> {t("sign-in.with", { name: provider.name })}
      </Button>
    </>
  );
}

/** A server that couldn't be asked is asked again after this time, and when the network is back. */
const AGAIN_AFTER_MS = 10_000;

function useOffered() {
  const [offers, setOffers] = useState<Offered>();
  const [isAway, setAway] = useState(false);
  const [times, setTimes] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another time is another question.
  useEffect(() => {
    const ended = new AbortController();
    offered(location.origin, { signal: ended.signal }).then(setOffers, () => {
      if (!ended.signal.aborted) setAway(true);
    });
    return () => ended.abort();
  }, [times]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it waits anew after each question.
  useEffect(() => {
    if (!isAway || offers) return;
    const again = () => setTimes((asked) => asked + 1);
    const timer = setTimeout(again, AGAIN_AFTER_MS);
    addEventListener("online", again);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", again);
    };
  }, [isAway, offers, times]);
  const again = () => {
    setAway(false);
    setTimes(times + 1);
  };
  // One that answers to a question of its own isn't away, whatever was said before.
  return { offers, isAway: isAway && !offers, again };
}
