/** From nobody to somebody: the session, the client made for it, and what stands between them. */

import { type Client, ParlourError } from "@parlour/client";
import { useCallback, useEffect, useState } from "react";
import { forgetDrafts } from "../composer/draft.ts";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { type Signed, SignedProvider, useValue } from "../sdk/context.tsx";
import { People } from "../sdk/people.ts";
import { connect } from "../session/connect.ts";
import type { Session } from "../session/session.ts";
import { TokenSignIn } from "../session/token.ts";
import { Shell } from "./Shell.tsx";
import { SignIn } from "./SignIn.tsx";

const signIn = new TokenSignIn();

/** The app. */
export function App() {
  const { t } = useText();
  const [session, setSession] = useState<Session | undefined>(() => signIn.restore());
  const [failure, setFailure] = useState<Key>();
  const end = useCallback(
    (why: Key | undefined) => {
      void session?.end();
      setFailure(why);
      setSession(undefined);
    },
    [session],
  );
  const begin = (token: string) => {
    try {
      setSession(signIn.begin(token));
      setFailure(undefined);
    } catch {
      setFailure("sign-in.no-token");
    }
  };
  if (!session) return <SignIn failure={failure && t(failure)} onToken={begin} />;
  return <SessionView key={session.cacheName} session={session} onEnd={end} />;
}

interface SessionProps {
  session: Session;
  onEnd: (why: Key | undefined) => void;
}

/** A session with its client, which lives as long as this stands. */
function SessionView({ session, onEnd }: SessionProps) {
  const { t } = useText();
  const [signed, setSigned] = useState<Signed>();
  useEffect(() => {
    let isOver = false;
    let client: Client | undefined;
    connect(session).then(
      (it) => {
        client = it;
        if (isOver) return void it.disconnect();
        const people = new People(it, `${session.cacheName} people`);
        const signOut = () => {
          people.forget();
          forgetDrafts();
          void it.disconnect().then(() => onEnd(undefined));
        };
        setSigned({ client: it, people, signOut });
      },
      (error: unknown) => onEnd(error instanceof ParlourError ? "sign-in.cache" : "error.unknown"),
    );
    return () => {
      isOver = true;
      void client?.disconnect();
    };
  }, [session, onEnd]);
  if (!signed) return <Wait text={t("state.opening")} />;
  return (
    <SignedProvider value={signed}>
      <Standing signed={signed} onEnd={onEnd} />
    </SignedProvider>
  );
}

/** The app itself, or why it can't be shown. */
function Standing({ signed, onEnd }: { signed: Signed; onEnd: (why: Key | undefined) => void }) {
  const { t } = useText();
  const state = useValue(signed.client.state);
  const refused = refusalOf(state);
  const { client } = signed;
  useEffect(() => {
    if (refused) void client.disconnect().then(() => onEnd(refused));
  }, [refused, client, onEnd]);
  if (refused) return null;
  // Before the first connection ever there is nothing to show.
  if (!client.me) {
    const isGone = state.type === "offline";
    return (
      <Wait
        text={t(isGone ? "sign-in.unreachable" : "state.connecting")}
        onCancel={isGone ? () => onEnd(undefined) : undefined}
      />
    );
  }
  return <Shell />;
}

const STOPS: Record<string, Key> = {
  revoked: "sign-in.revoked",
  "token-refused": "sign-in.refused",
  "no-common-revision": "sign-in.old",
  replaced: "sign-in.replaced",
  protocol: "sign-in.protocol",
};

function refusalOf(state: Signed["client"]["state"]["current"]): Key | undefined {
  if (state.type === "stopped") return STOPS[state.stop.why] ?? "error.unknown";
  const code = state.type === "offline" && state.after.why === "closed" ? state.after.code : "";
  // With a token that can't be renewed, one refusal is as good as many.
  return /^(TOKEN|REAUTH)_/.test(code) ? "sign-in.refused" : undefined;
}

function Wait({ text, onCancel }: { text: string; onCancel?: (() => void) | undefined }) {
  const { t } = useText();
  return (
    <main className="wait">
      <img src="./icon.svg" alt="" width={52} height={52} />
      <p role="status">{text}</p>
      {onCancel && (
        <button type="button" className="link-button" onClick={onCancel}>
          {t("session.other")}
        </button>
      )}
    </main>
  );
}
