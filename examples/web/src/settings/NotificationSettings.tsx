/** What the user hears of, on all their devices and on this one. */

import { changeSettings, type Level, settings } from "@parlour/client/notifications";
import { presenceSettings, setDoNotDisturb } from "@parlour/client/people";
import { X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { dayOf, timeOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useAction } from "../sdk/action.ts";
import { useClient, useValue } from "../sdk/context.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { toast } from "../ui/toast.tsx";
import { Check, Choices } from "./Choices.tsx";
import { choose, usePrefs } from "./prefs.ts";
import { HOUR_MS, inputOf, tomorrowMorning } from "./times.ts";

const LEVELS = ["usual", "all", "mentions", "nothing"] as const;
const KEYWORDS_MAX = 50;

/** The page. */
export function NotificationSettings() {
  const { t } = useText();
  return (
    <>
      <h3>{t("settings.notifications")}</h3>
      <Levels />
      <Keywords />
      <DoNotDisturb />
      <Desktop />
    </>
  );
}

function Levels() {
  const { t } = useText();
  const client = useClient();
  const { level } = useValue(settings(client));
  const set = (wish: (typeof LEVELS)[number]) => {
    const next: Level | undefined = wish === "usual" ? undefined : wish;
    return changeSettings(client, { level: next });
  };
  return (
    <Choices
      label={t("level.title")}
      options={LEVELS.map((value) => ({ value, label: t(`level.${value}`) }))}
      chosen={level ?? "usual"}
      onChoose={set}
    >
      {(shown) => <small className="settings-hint">{t(`level.${shown}-why`)}</small>}
    </Choices>
  );
}

function Keywords() {
  const { t } = useText();
  const client = useClient();
  const { keywords } = useValue(settings(client));
  const [word, setWord] = useState("");
  const { isBusy, failure, run } = useAction();
  const add = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = word.trim();
    if (!wanted || keywords.includes(wanted)) return setWord("");
    if (await run(() => changeSettings(client, { keywords: [...keywords, wanted] }))) setWord("");
  };
  const drop = (gone: string) =>
    void run(() => changeSettings(client, { keywords: keywords.filter((it) => it !== gone) }));
  return (
    <form className="settings-form" onSubmit={(event) => void add(event)}>
      <label className="labelled" htmlFor="keyword">
        {t("keywords.title")}
      </label>
      <p className="settings-hint">{t("keywords.why")}</p>
      {keywords.length > 0 && (
        <ul className="chips" aria-label={t("keywords.title")}>
          {keywords.map((it) => (
            <li key={it}>
              <button
                type="button"
                className="chip"
                aria-label={t("people.drop", { name: it })}
                onClick={() => drop(it)}
              >
                <bdi>{it}</bdi> <X size={13} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="settings-line">
        <input
          id="keyword"
          className="field"
          dir="auto"
          maxLength={32}
          value={word}
          disabled={keywords.length >= KEYWORDS_MAX}
          onChange={(event) => setWord(event.target.value)}
        />
        <Button type="submit" disabled={isBusy || word.trim() === ""}>
          {t("keywords.add")}
        </Button>
      </div>
      {failure && <Failure text={failure} />}
    </form>
  );
}

function DoNotDisturb() {
  const { t } = useText();
  const client = useClient();
  const untilMs = useValue(presenceSettings(client))?.doNotDisturbUntilMs ?? 0;
  const { isBusy, failure, run } = useAction();
  const set = (until: number | undefined) => void run(() => setDoNotDisturb(client, until));
  const isOn = untilMs > Date.now();
  return (
    <fieldset className="labelled">
      <legend>{t("presence.dnd")}</legend>
      {isOn ? (
        <div className="settings-line">
          <span className="settings-state">
            {t("dnd.until", { when: `${dayOf(untilMs)}, ${timeOf(untilMs)}` })}
          </span>
          <Button disabled={isBusy} onClick={() => set(undefined)}>
            {t("presence.disturb")}
          </Button>
        </div>
      ) : (
        <>
          <p className="settings-hint">{t("dnd.why")}</p>
          <div className="settings-line">
            <Button disabled={isBusy} onClick={() => set(Date.now() + HOUR_MS)}>
              {t("dnd.hour")}
            </Button>
            <Button disabled={isBusy} onClick={() => set(Date.now() + 4 * HOUR_MS)}>
              {t("dnd.hours", { n: 4 })}
            </Button>
            <Button disabled={isBusy} onClick={() => set(tomorrowMorning(new Date()))}>
              {t("dnd.tomorrow")}
            </Button>
          </div>
          <Until isBusy={isBusy} onSet={set} />
        </>
      )}
      {failure && <Failure text={failure} />}
    </fieldset>
  );
}

function Until({ isBusy, onSet }: { isBusy: boolean; onSet: (untilMs: number) => void }) {
  const { t } = useText();
  const [at, setAt] = useState("");
  const untilMs = new Date(at).getTime();
  return (
    <div className="settings-line">
      <input
        type="datetime-local"
        className="field"
        aria-label={t("dnd.other")}
        min={inputOf(new Date())}
        value={at}
        onChange={(event) => setAt(event.target.value)}
      />
      <Button disabled={isBusy || !(untilMs > Date.now())} onClick={() => onSet(untilMs)}>
        {t("dnd.set")}
      </Button>
    </div>
  );
}

function Desktop() {
  const { t } = useText();
  const { notify } = usePrefs();
  const allow = async (wish: boolean) => {
    const isAllowed =
      wish && "Notification" in window && (await Notification.requestPermission()) === "granted";
    if (wish && !isAllowed) toast(t("settings.notify-denied"));
    await choose({ notify: isAllowed });
    return isAllowed === wish;
  };
  return <Check label={t("settings.notify")} why={t("settings.notify-why")} isOn={notify} onChange={allow} />;
}
