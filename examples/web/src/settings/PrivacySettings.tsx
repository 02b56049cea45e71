/** Who sees what of the user, and of whom the user wants to hear nothing. */

import type { UserId } from "@parlour/client";
import { changeSettings, settings } from "@parlour/client/notifications";
import { blocked, presenceSettings, shareLastSeen, unblock } from "@parlour/client/people";
import { useText } from "../i18n/text.ts";
import { useAction } from "../sdk/action.ts";
import { useClient, usePerson, useValue } from "../sdk/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { Check } from "./Choices.tsx";

/** The page. */
export function PrivacySettings() {
  const { t } = useText();
  const client = useClient();
  const presence = useValue(presenceSettings(client));
  const { hidesReceipts } = useValue(settings(client));
  return (
    <>
      <h3>{t("settings.privacy")}</h3>
      <Check
        label={t("privacy.last-seen")}
        why={t("privacy.last-seen-why")}
        isOn={presence?.sharesLastSeen ?? false}
        isDisabled={!presence}
        onChange={(isOn) => shareLastSeen(client, isOn)}
      />
      <Check
        label={t("privacy.receipts")}
        why={t("privacy.receipts-why")}
        isOn={!hidesReceipts}
        onChange={(isOn) => changeSettings(client, { hidesReceipts: !isOn })}
      />
      <Blocked />
    </>
  );
}

function Blocked() {
  const { t } = useText();
  const all = useValue(blocked(useClient()));
  return (
    <section className="settings-section" aria-label={t("privacy.blocked")}>
      <h4>{t("privacy.blocked")}</h4>
      <p className="settings-hint">{t("privacy.blocked-why")}</p>
      {all.size === 0 && <p className="settings-state">{t("privacy.nobody")}</p>}
      <ul className="logins">
        {[...all].map((id) => (
          <BlockedRow key={id} id={id} />
        ))}
      </ul>
    </section>
  );
}

function BlockedRow({ id }: { id: UserId }) {
  const { t } = useText();
  const client = useClient();
  const person = usePerson(id);
  const { isBusy, failure, run } = useAction();
  const name = person?.name ?? t("person.unknown");
  return (
    <li className="login">
      <Avatar id={id} size={28} />
      <div className="person-names">
        <bdi className="person-name">{name}</bdi>
        {failure && <Failure text={failure} />}
      </div>
      <Button
        disabled={isBusy}
        aria-label={t("person.unblock-of", { name })}
        onClick={() => void run(() => unblock(client, id))}
      >
        {t("person.unblock")}
      </Button>
    </li>
  );
}
