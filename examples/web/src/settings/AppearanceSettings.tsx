/** How this device shows the app. */

import { LANGUAGES, useText } from "../i18n/text.ts";
import { Choices } from "./Choices.tsx";
import { choose, type Prefs, usePrefs } from "./prefs.ts";

const THEMES: readonly Prefs["theme"][] = ["system", "light", "dark"];
const DENSITIES: readonly Prefs["density"][] = ["cosy", "compact"];

/** The page. */
export function AppearanceSettings() {
  const { t, language } = useText();
  const { theme, density } = usePrefs();
  return (
    <>
      <h3>{t("settings.appearance")}</h3>
      <Choices
        label={t("settings.theme")}
        options={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        chosen={theme}
        onChoose={(value) => void choose({ theme: value })}
      />
      <Choices
        label={t("settings.density")}
        options={DENSITIES.map((value) => ({ value, label: t(`density.${value}`) }))}
        chosen={density}
        onChoose={(value) => void choose({ density: value })}
      />
      <Choices
        label={t("settings.language")}
        options={LANGUAGES.map(({ tag, name }) => ({ value: tag, label: name, lang: tag }))}
        chosen={language.tag}
        onChoose={(value) => void choose({ language: value })}
      />
      <p className="settings-hint">{t("settings.here")}</p>
    </>
  );
}
