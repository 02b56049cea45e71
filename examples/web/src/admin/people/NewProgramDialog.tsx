/** An account for a program, with its first key. */

import { createKey, createServiceAccount } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { AskDialog } from "../parts/Action.tsx";
import { ChoiceField, TextField } from "../parts/Fields.tsx";
import type { Told } from "../parts/Secret.tsx";
import { useAdminText } from "../text.ts";

const SUBJECT = "[a-z0-9._\\-]{1,32}";

interface Props {
  onMade: () => void;
  onTold: (told: Told) => void;
  onClose: () => void;
}

/** The dialog. */
export function NewProgramDialog({ onMade, onTold, onClose }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  const [subject, setSubject] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<"member" | "guest">("member");
  const [scopes, setScopes] = useState("");
  const make = async () => {
    const wanted = scopes.split(/\s+/).filter(Boolean);
    await createServiceAccount(client, { subject, name: name.trim(), role, scopes: wanted });
    onMade();
    const { key, secret } = await createKey(client, subject, { name: t("keys.first"), scopes: wanted });
    onMade();
    const title = t("keys.told-title", { name: name.trim() || subject });
    onTold({ title, why: t("keys.told"), text: secret, expiresMs: key?.expiresMs });
  };
  return (
    <AskDialog
      title={t("program.new")}
      label={t("person.make")}
      isReady={subject !== ""}
      onClose={onClose}
      onDo={make}
    >
      <TextField label={t("person.name")} value={name} maxLength={100} data-autofocus onText={setName} />
      <TextField
        label={t("person.subject")}
        hint={t("program.subject-why")}
        value={subject}
        dir="ltr"
        pattern={SUBJECT}
        spellCheck={false}
        autoCapitalize="off"
        onText={setSubject}
      />
      <ChoiceField
        label={t("person.role")}
        value={role}
        options={(["member", "guest"] as const).map((it) => [it, t(`role.${it}`)] as const)}
        onChoose={setRole}
      />
      <TextField
        label={t("account.scopes")}
        hint={t("person.scopes-hint")}
        dir="ltr"
        spellCheck={false}
        placeholder="events:publish"
        value={scopes}
        onText={setScopes}
      />
    </AskDialog>
  );
}
