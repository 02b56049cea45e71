/** From nobody to somebody: the session, the client made for it, and what stands between them. */

import { type Client, ParlourError, type State } from "@parlour/client";
import { users } from "@parlour/client/people";
import { lazy, type RefObject, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { forgetDrafts } from "../composer/draft.ts";
import { useText } from "../i18n/text.ts";
import { type Signed, SignedProvider, useValue } from "../sdk/context.tsx";
import { forgetSearch } from "../search/searching.ts";
import { isForSignIn } from "../session/address.ts";
import { type Arrival, arrive } from "../session/arrive.ts";
import { connect } from "../session/connect.ts";
import { type Session, type Word, wrong } from "../session/session.ts";
import { Shell } from "./Shell.tsx";

const SignInPage = lazy(() => import("../sign-in/SignInPage.tsx").then((it) => ({ default: it.SignInPage })));

/** The app. */
export function App() {
  const { t } = useText();
  const [arrival, setArrival] = useState<Arrival>();
  useEffect(() => void arrive().then(setArrival), []);
  useLinks();
  const begin = useCallback((session: Session) => setArrival({ is: "somebody", session }), []);
  const end = useCallback(async (session: Session, word: Word | undefined) => {
    await session.end();
    setArrival({ is: "nobody", start: { is: "choice" }, ...(word && { word }) });
  }, []);
  if (!arrival) return <Wait text={t("state.opening")} />;
  if (arrival.is === "somebody") {
    const { session } = arrival;
    return <SessionView key={session.cacheName} session={session} onEnd={(word) => end(session, word)} />;
  }
  const { start, word } = arrival;
  return (
    <Suspense fallback={<Wait text={t("state.opening")} />}>
      <SignInPage start={start} word={word} onSession={begin} />
    </Suspense>
  );
}

/** A link or an invite that is opened in a window of the app begins anew. */
function useLinks(): void {
  useEffect(() => {
    const look = () => isForSignIn(location.hash) && location.reload();
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
}

interface SessionProps {
  session: Session;
  onEnd: (word: Word | undefined) => void;
}

/** A session with its client, which lives as long as this stands. */
function SessionView({ session, onEnd }: SessionProps) {
  const { t } = useText();
  const [signed, setSigned] = useState<Signed>();
  const [isLeaving, setLeaving] = useState(false);
  const ended = useLatest(onEnd);
  useEffect(() => {
    let isOver = false;
    let client: Client | undefined;
    connect(session).then(
      (it) => {
        client = it;
        if (isOver) return void it.disconnect();
        const signOut = async () => {
          setLeaving(true);
          const word = await session.signOut(it).then(() => undefined, wordOfSignOut);
          forgetDrafts();
          forgetSearch();
          await it.disconnect();
          ended.current(word);
        };
        setSigned({ client: it, people: users(it), session, signOut: () => void signOut() });
      },
      (error: unknown) =>
        ended.current(wrong(error instanceof ParlourError ? "sign-in.cache" : "error.unknown")),
    );
    return () => {
      isOver = true;
      void client?.disconnect();
    };
  }, [session, ended]);
  if (!signed || isLeaving) return <Wait text={t(isLeaving ? "sign-out.under-way" : "state.opening")} />;
  return (
    <SignedProvider value={signed}>
      <Standing signed={signed} onEnd={ended} />
    </SignedProvider>
  );
}

function wordOfSignOut(error: unknown): Word | undefined {
  // A login that has ended already couldn't be ended again.
  const isStopped = error instanceof ParlourError && error.kind === "stopped";
  return isStopped ? undefined : { key: "sign-out.here", isCalm: true };
}

/** The newest of what a component was given, for what outlives a drawing. */
function useLatest<T>(value: T): RefObject<T> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

/** The app itself, or why it can't be shown. */
function Standing({ signed, onEnd }: { signed: Signed; onEnd: RefObject<SessionProps["onEnd"]> }) {
  const { t } = useText();
  const state = useValue(signed.client.state);
  const refused = refusalOf(state, signed.session);
  const { client } = signed;
  useEffect(() => {
    if (refused) void client.disconnect().then(() => onEnd.current(refused));
  }, [refused, client, onEnd]);
  if (refused) return null;
  // Before the first connection ever there is nothing to show.
  if (!client.me) {
    const isGone = state.type === "offline";
    return (
      <Wait
        text={t(isGone ? "sign-in.unreachable" : "state.connecting")}
        onCancel={isGone ? () => onEnd.current(undefined) : undefined}
      />
    );
  }
  return <Shell />;
}

const STOPS: Record<string, Word> = {
  revoked: { key: "sign-in.revoked", isCalm: true },
  "sign-in-refused": { key: "sign-in.ended", isCalm: true },
  "token-refused": wrong("sign-in.refused"),
  "no-common-revision": wrong("sign-in.old"),
  replaced: { key: "sign-in.replaced", isCalm: true },
  protocol: wrong("sign-in.protocol"),
};

function refusalOf(state: State, session: Session): Word | undefined {
  if (state.type === "stopped") return STOPS[state.stop.why] ?? wrong("error.unknown");
  const code = state.type === "offline" && state.after.why === "closed" ? state.after.code : "";
  // With a token that can't be renewed, one refusal is as good as many.
  const isFixed = typeof session.token === "string";
  return isFixed && /^(TOKEN|REAUTH)_/.test(code) ? STOPS["token-refused"] : undefined;
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
