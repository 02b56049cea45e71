/** The user at the foot of the list: how others see them, and what is theirs to set. */

import * as rpc from "@parlour/client/rpc";
import * as Dropdown from "@radix-ui/react-dropdown-menu";
import { BellOff, ChevronsUpDown, EyeOff, LogOut, Settings, ShieldCheck, Smile } from "lucide-react";
import { useState } from "react";
import { useIsAdmin } from "../admin/scopes.ts";
import { useActivity } from "../app/looked-at.ts";
import { go, hashOf } from "../app/route.ts";
import type { Key } from "../i18n/text.ts";
import { useText } from "../i18n/text.ts";
import type { Opening } from "../rooms/Sidebar.tsx";
import { useMe, usePerson, usePresence, useSigned } from "../sdk/context.tsx";
import { failureText } from "../sdk/failure.ts";
import { PresentAvatar } from "../ui/Avatar.tsx";
import { toast } from "../ui/toast.tsx";
import { StatusWords, useStatus } from "./status.tsx";

const HOUR_MS = 3_600_000;
const KEY = "parlour.invisible";

const SAID: Record<string, Key> = {
  online: "presence.online",
  idle: "presence.idle",
  "do-not-disturb": "presence.dnd",
};

/** The button and its menu. */
export function MyButton({ onOpen }: { onOpen: (what: Opening) => void }) {
  const { t } = useText();
  const { client, signOut } = useSigned();
  const me = useMe();
  const isAdmin = useIsAdmin();
  const person = usePerson(me);
  const presence = usePresence(me);
  const [isInvisible, setInvisible] = useState(() => sessionStorage.getItem(KEY) === "yes");
  useActivity(isInvisible);
  const isQuiet = presence?.availability === "do-not-disturb";
  const status = useStatus(me);
  const said = isInvisible
    ? "presence.invisible"
    : (SAID[presence?.availability ?? ""] ?? "presence.offline");
  const disturb = () =>
    void client
      .call(rpc.SetStatus, { doNotDisturbUntilMs: isQuiet ? 0 : Date.now() + 8 * HOUR_MS })
      .catch((error: unknown) => toast(failureText(error, t)));
  const hide = () => {
    sessionStorage.setItem(KEY, isInvisible ? "no" : "yes");
    setInvisible(!isInvisible);
  };
  const entries = [
    { icon: Smile, label: "status.set", run: () => onOpen("status") },
    { icon: BellOff, label: isQuiet ? "presence.disturb" : "presence.dnd-hours", run: disturb },
    { icon: EyeOff, label: isInvisible ? "presence.show" : "presence.hide", run: hide },
    ...(isAdmin
      ? ([{ icon: ShieldCheck, label: "admin.open", run: () => go(hashOf.admin()) }] as const)
      : []),
    { icon: Settings, label: "settings.title", run: () => onOpen("settings") },
    { icon: LogOut, label: "session.out", run: signOut },
  ] as const;
  return (
    <Dropdown.Root modal={false}>
      <Dropdown.Trigger asChild>
        <button type="button" className="my-button">
          <PresentAvatar id={me} size={32} />
          <span className="person-names">
            <bdi className="person-name">{person?.name}</bdi>
            <span className="person-detail">{status ? <StatusWords status={status} /> : t(said)}</span>
          </span>
          <span className="visually-hidden">{t("my.menu")}</span>
          <ChevronsUpDown size={15} aria-hidden />
        </button>
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content
          className="menu menu-wide"
          align="start"
          side="top"
          sideOffset={6}
          collisionPadding={8}
        >
          {entries.map(({ icon: Icon, label, run }) => (
            <Dropdown.Item key={label} className="menu-item" onSelect={() => setTimeout(run, 0)}>
              <Icon size={16} strokeWidth={1.75} aria-hidden /> {t(label)}
            </Dropdown.Item>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}
