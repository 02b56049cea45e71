/** How this device shows the app, and whether it tells of mentions. */

import type { ReactNode } from "react";
import type { Key } from "../i18n/text.ts";
import { LANGUAGES, useText } from "../i18n/text.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { choose, type Prefs, usePrefs } from "./prefs.ts";

const THEMES: readonly Prefs["theme"][] = ["system", "light", "dark"];
const DENSITIES: readonly Prefs["density"][] = ["cosy", "compact"];

/** The dialog. */
export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { t, language } = useText();
  const { theme, density, notify } = usePrefs();
  const allow = async (wish: boolean) => {
    if (!wish) return choose({ notify: false });
    const isAllowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
    if (!isAllowed) toast(t("settings.notify-denied"));
    await choose({ notify: isAllowed });
  };
  return (
    <Dialog title={t("settings.title")} onClose={onClose}>
      <Choices label="settings.theme">
        {THEMES.map((it) => (
          <Choice
            key={it}
            label={t(`theme.${it}`)}
            isOn={it === theme}
            onChoose={() => void choose({ theme: it })}
          />
        ))}
      </Choices>
      <Choices label="settings.density">
        {DENSITIES.map((it) => (
          <Choice
            key={it}
            label={t(`density.${it}`)}
            isOn={it === density}
            onChoose={() => void choose({ density: it })}
          />
        ))}
      </Choices>
      <Choices label="settings.language">
        {LANGUAGES.map(({ tag, name }) => (
          <Choice
            key={tag}
            label={name}
            lang={tag}
            isOn={tag === language.tag}
            onChoose={() => void choose({ language: tag })}
          />
        ))}
      </Choices>
      <label className="check">
        <input type="checkbox" checked={notify} onChange={(event) => void allow(event.target.checked)} />
        <span>
          {t("settings.notify")}
          <small>{t("settings.notify-why")}</small>
        </span>
      </label>
    </Dialog>
  );
}

function Choices({ label, children }: { label: Key; children: ReactNode }) {
  const { t } = useText();
  return (
    <fieldset className="labelled choices">
      <legend>{t(label)}</legend>
      <div className="choice-row">{children}</div>
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  isOn: boolean;
  lang?: string;
  onChoose: () => void;
}

function Choice({ label, isOn, lang, onChoose }: ChoiceProps) {
  return (
    <button type="button" className="choice" aria-pressed={isOn} lang={lang} onClick={onChoose}>
      {label}
    </button>
  );
}
