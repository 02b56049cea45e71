/** What the user says of themselves. Name and handle are the organization's to say. */

import type { User } from "@parlour/client";
import { upload } from "@parlour/client/files";
import { type ProfileChange, setProfile } from "@parlour/client/people";
import { Camera, Trash2 } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { portraitOf } from "../people/portrait.ts";
import { useAction } from "../sdk/action.ts";
import { useMe, usePerson, useSigned } from "../sdk/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";

/** The page. */
export function ProfileSettings() {
  const { t } = useText();
  const person = usePerson(useMe());
  return (
    <>
      <h3>{t("settings.profile")}</h3>
      {person ? (
        <>
          <Picture person={person} />
          <Fields key={person.id} person={person} />
        </>
      ) : (
        <p>{t("state.loading")}</p>
      )}
    </>
  );
}

/** Says something of the user, and shows it at once. */
function useProfile() {
  const { client, people } = useSigned();
  return async (change: ProfileChange) => {
    await setProfile(client, change);
    if (client.me) people.refresh(client.me);
  };
}

function Picture({ person }: { person: User }) {
  const { t } = useText();
  const { client } = useSigned();
  const change = useProfile();
  const field = useRef<HTMLInputElement>(null);
  const [isNone, setNone] = useState(false);
  const { isBusy, failure, run } = useAction();
  const choose = async (file: File | undefined) => {
    if (!file) return;
    const portrait = await portraitOf(file).catch(() => undefined);
    setNone(!portrait);
    if (portrait)
      await run(async () => change({ avatar: await upload(client, portrait, { name: "portrait" }) }));
  };
  return (
    <div className="settings-picture">
      <Avatar id={person.id} size={72} />
      <div>
        <div className="settings-line">
          <Button disabled={isBusy} onClick={() => field.current?.click()}>
            <Camera size={16} aria-hidden /> {t("profile.picture")}
          </Button>
          {person.avatar && (
            <Button look="quiet" disabled={isBusy} onClick={() => void run(() => change({ avatar: null }))}>
              <Trash2 size={15} aria-hidden /> {t("action.remove")}
            </Button>
          )}
        </div>
        <input
          ref={field}
          type="file"
          hidden
          accept="image/*"
          onChange={(event) => {
            void choose(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        {isBusy && <p role="status">{t("profile.saving")}</p>}
        {isNone && <Failure text={t("profile.no-picture")} />}
        {failure && <Failure text={failure} />}
      </div>
    </div>
  );
}

function Fields({ person }: { person: User }) {
  const { t } = useText();
  const change = useProfile();
  const { isBusy, failure, isDone, run } = useAction();
  const { profile } = person;
  const [fields, setFields] = useState({
    title: profile.title ?? "",
    pronouns: profile.pronouns ?? "",
    timeZone: profile.timeZone ?? "",
  });
  const set = (some: Partial<typeof fields>) => setFields({ ...fields, ...some });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(() => change({ ...fields, title: fields.title.trim(), pronouns: fields.pronouns.trim() }));
  };
  return (
    <form className="settings-form" onSubmit={submit}>
      <dl className="settings-facts">
        <dt>{t("profile.name")}</dt>
        <dd dir="auto">{person.name}</dd>
        <dt>{t("profile.handle")}</dt>
        <dd>
          <bdi>@{profile.handle ?? person.subject}</bdi>
        </dd>
      </dl>
      <p className="settings-hint">{t("profile.name-why")}</p>
      <label className="labelled">
        {t("profile.title")}
        <input
          className="field"
          dir="auto"
          autoComplete="organization-title"
          maxLength={100}
          value={fields.title}
          onChange={(event) => set({ title: event.target.value })}
        />
      </label>
      <label className="labelled">
        {t("profile.pronouns")}
        <input
          className="field"
          dir="auto"
          maxLength={32}
          value={fields.pronouns}
          onChange={(event) => set({ pronouns: event.target.value })}
        />
      </label>
      <label className="labelled">
        {t("profile.time-zone")}
        <select
          className="field"
          value={fields.timeZone}
          onChange={(event) => set({ timeZone: event.target.value })}
        >
          <option value="">{t("profile.no-time-zone")}</option>
          {zonesWith(fields.timeZone).map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      </label>
      {failure && <Failure text={failure} />}
      <div className="settings-line">
        <Button type="submit" look="main" disabled={isBusy}>
          {t("action.save")}
        </Button>
        {isDone && <span role="status">{t("settings.saved")}</span>}
      </div>
    </form>
  );
}

/** All that this browser knows, and the one that is set, even if it doesn't know that. */
function zonesWith(zone: string): string[] {
  const known = Intl.supportedValuesOf("timeZone");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set([own, ...known, ...(zone ? [zone] : [])])];
}
