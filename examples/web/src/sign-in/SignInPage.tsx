/** Signing in: whatever somebody comes with, and the words about it. */

import { useCallback, useState } from "react";
import { LANGUAGES, useText } from "../i18n/text.ts";
import type { Start } from "../session/arrive.ts";
import type { Session, Word } from "../session/session.ts";
import { choose } from "../settings/prefs.ts";
import { Failure } from "../ui/Failure.tsx";
import { ChoiceView } from "./ChoiceView.tsx";
import { InviteForm } from "./InviteForm.tsx";
import { Instead, LinkView } from "./LinkView.tsx";
import { WaitingView } from "./WaitingView.tsx";
import "../styles/sign-in.css";

interface Props {
  start: Start;
  /** Why there is no session, where there was one. */
  word: Word | undefined;
  onSession: (session: Session) => void;
}

const CHOICE: Start = { is: "choice" };

/** The page. */
export function SignInPage({ start, word: given, onSession }: Props) {
  const { t } = useText();
  const [view, setView] = useState(start);
  const [word, setWord] = useState(given);
  const show = useCallback((next: Start, about?: Word) => {
    setView(next);
    setWord(about);
  }, []);
  const isInvite = view.is === "invite" || view.is === "waiting";
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <img src="./icon.svg" alt="" width={52} height={52} />
        <h1>{t(isInvite ? "invite.title" : "sign-in.title")}</h1>
        {word &&
          (word.isCalm ? (
            <p role="status" className="calm">
              {t(word.key)}
            </p>
          ) : (
            <Failure text={t(word.key)} />
          ))}
        <View view={view} show={show} onSession={onSession} />
        {view.is !== "choice" && view.is !== "waiting" && (
          <p className="sign-in-others">
            <button type="button" className="link-button" onClick={() => show(CHOICE)}>
              {t("sign-in.other")}
            </button>
          </p>
        )}
      </div>
      <Languages />
    </main>
  );
}

interface ViewProps {
  view: Start;
  show: (next: Start, about?: Word) => void;
  onSession: (session: Session) => void;
}

function View({ view, show, onSession }: ViewProps) {
  const onOver = useCallback((about: Word | undefined) => show(CHOICE, about), [show]);
  if (view.is === "choice") return <ChoiceView onSession={onSession} onCode={(given) => show(given)} />;
  if (view.is === "waiting") return <WaitingView onSession={onSession} onOver={onOver} />;
  const { is, code, instead } = view;
  if (instead)
    return <Instead session={instead} onStay={() => onSession(instead)} onLeft={() => show({ is, code })} />;
  if (is === "link") return <LinkView code={code} onSession={onSession} />;
  return <InviteForm code={code} onSession={onSession} onWaiting={() => show({ is: "waiting" })} />;
}

/** Before anybody is signed in is when a language can't be read. */
function Languages() {
  const { t, language } = useText();
  return (
    <ul className="languages" aria-label={t("settings.language")}>
      {LANGUAGES.map(({ tag, name }) => (
        <li key={tag}>
          <button
            type="button"
            className="link-button"
            lang={tag}
            aria-pressed={tag === language.tag}
            onClick={() => void choose({ language: tag })}
          >
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}
