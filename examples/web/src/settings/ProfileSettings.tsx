/** What the user says of themselves. Name and handle are the organization's to say. */

import type { User } from "@parlour/client";
import { upload } from "@parlour/client/files";
import { type ProfileChange, setProfile } from "@parlour/client/people";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useAction } from "../sdk/action.ts";
import { useMe, usePerson, useSigned } from "../sdk/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Failure.tsx";
import { TextField } from "../ui/TextField.tsx";
import { PictureField } from "./PictureField.tsx";

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
  const { client } = useSigned();
  const change = useProfile();
  return (
    <PictureField
      picture={<Avatar id={person.id} size={72} />}
      isThere={Boolean(person.avatar)}
      onChange={async (portrait) =>
        change({ avatar: portrait ? await upload(client, portrait, { name: "portrait" }) : null })
      }
    />
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
      <TextField
        label={t("profile.title")}
        autoComplete="organization-title"
        maxLength={100}
        value={fields.title}
        onChange={(title) => set({ title })}
      />
      <TextField
        label={t("profile.pronouns")}
        maxLength={32}
        value={fields.pronouns}
        onChange={(pronouns) => set({ pronouns })}
      />
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
