/** What the user can set: about themselves, what they hear of, who sees what, and how it looks here. */

import { BellRing, type LucideIcon, MonitorSmartphone, Palette, ShieldCheck, UserRound } from "lucide-react";
import { type ComponentType, type KeyboardEvent, useId, useRef, useState } from "react";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import { useSigned } from "../sdk/context.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { AccountSettings } from "./AccountSettings.tsx";
import { AppearanceSettings } from "./AppearanceSettings.tsx";
import { NotificationSettings } from "./NotificationSettings.tsx";
import { PrivacySettings } from "./PrivacySettings.tsx";
import { ProfileSettings } from "./ProfileSettings.tsx";
import "../styles/settings.css";

interface Page {
  readonly id: string;
  readonly label: Key;
  readonly icon: LucideIcon;
  readonly Content: ComponentType;
}

const PROFILE: Page = { id: "profile", label: "settings.profile", icon: UserRound, Content: ProfileSettings };
const ACCOUNT: Page = {
  id: "account",
  label: "settings.account",
  icon: MonitorSmartphone,
  Content: AccountSettings,
};
const REST: readonly Page[] = [
  { id: "notifications", label: "settings.notifications", icon: BellRing, Content: NotificationSettings },
  { id: "privacy", label: "settings.privacy", icon: ShieldCheck, Content: PrivacySettings },
  { id: "appearance", label: "settings.appearance", icon: Palette, Content: AppearanceSettings },
];

/** The dialog. */
export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { session } = useSigned();
  const pages = [PROFILE, ...(session.account ? [ACCOUNT] : []), ...REST];
  const [shown, setShown] = useState(PROFILE);
  const panel = useId();
  const { Content } = shown;
  return (
    <Dialog title={t("settings.title")} onClose={onClose} className="settings">
      <div className="settings-frame">
        <Tabs pages={pages} shown={shown} panel={panel} onShow={setShown} />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a panel that scrolls is reached by the keyboard. */}
        <div className="settings-page" id={panel} role="tabpanel" aria-label={t(shown.label)} tabIndex={0}>
          <Content key={shown.id} />
        </div>
      </div>
    </Dialog>
  );
}

interface TabsProps {
  pages: readonly Page[];
  shown: Page;
  panel: string;
  onShow: (page: Page) => void;
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

function Tabs({ pages, shown, panel, onShow }: TabsProps) {
  const { t, language } = useText();
  const list = useRef<HTMLDivElement>(null);
  const press = (event: KeyboardEvent) => {
    const onward = language.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = language.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const step = STEPS[event.key] ?? (event.key === onward ? 1 : event.key === backward ? -1 : 0);
    if (step === 0) return;
    event.preventDefault();
    const next = pages[(pages.indexOf(shown) + step + pages.length) % pages.length];
    if (!next) return;
    onShow(next);
    list.current?.querySelector<HTMLElement>(`[data-page=${next.id}]`)?.focus();
  };
  return (
    <div
      ref={list}
      className="settings-tabs"
      role="tablist"
      aria-label={t("settings.title")}
      onKeyDown={press}
    >
      {pages.map((page) => (
        <button
          key={page.id}
          type="button"
          role="tab"
          className="settings-tab"
          data-page={page.id}
          data-autofocus={page === shown || undefined}
          aria-selected={page === shown}
          aria-controls={panel}
          tabIndex={page === shown ? 0 : -1}
          onClick={() => onShow(page)}
        >
          <page.icon size={17} strokeWidth={1.75} aria-hidden />
          <span>{t(page.label)}</span>
        </button>
      ))}
    </div>
  );
}
