/** Somebody new: in the directory, with a sign-in link where the server keeps accounts. */

import { ParlourError } from "@parlour/client";
import { changeDirectory, createSignInLink, pageLink } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { toast } from "../../ui/toast.tsx";
import { Refused } from "../failure.ts";
import { AskDialog } from "../parts/Action.tsx";
import { CheckField, ChoiceField, TextField } from "../parts/Fields.tsx";
import type { Told } from "../parts/Secret.tsx";
import { useMay } from "../scopes.ts";
import { useAdminText } from "../text.ts";

const ROLES = ["member", "guest", "admin"] as const;

interface Props {
  /** Subjects that there are. */
  taken: ReadonlySet<string>;
  onMade: () => void;
  onTold: (told: Told) => void;
  onClose: () => void;
}

/** The dialog. */
export function NewPersonDialog({ taken, onMade, onTold, onClose }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  const seesAccounts = useMay("admin:accounts");
  const [subject, setSubject] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<string>("member");
  const [withLink, setLink] = useState(seesAccounts);
  const isTaken = taken.has(subject.trim());
  const make = async () => {
    const who = subject.trim();
    const profile = name.trim() ? { name: name.trim() } : {};
    const change = { type: "user", subject: who, role, profile } as const;
    const [outcome] = await changeDirectory(client, [change], { dryRun: true });
    if (outcome !== "created") throw new Refused("person.taken");
    await changeDirectory(client, [change]);
    onMade();
    if (!withLink) return toast(t("done"));
    const { code, expiresMs } = await createSignInLink(client, who).catch((error: unknown) => {
      const isElsewhere = error instanceof ParlourError && error.reason === "ACCOUNTS_DISABLED";
      throw isElsewhere ? new Refused("person.made-without-link") : error;
    });
    onMade();
    onTold({
      title: t("person.link-title", { name: name.trim() || who }),
      why: t("person.link-told", { name: name.trim() || who }),
      text: pageLink({ page: location.href, code }),
      expiresMs,
    });
  };
  return (
    <AskDialog
      title={t("person.new")}
      label={t("person.make")}
      isReady={subject.trim() !== "" && !isTaken}
      onClose={onClose}
      onDo={make}
    >
      <TextField label={t("person.name")} value={name} maxLength={100} data-autofocus onText={setName} />
      <TextField
        label={t("person.subject")}
        hint={isTaken ? t("person.taken") : t("person.subject-why")}
        value={subject}
        dir="ltr"
        spellCheck={false}
        autoCapitalize="off"
        aria-invalid={isTaken}
        maxLength={255}
        onText={setSubject}
      />
      <ChoiceField
        label={t("person.role")}
        value={role}
        options={ROLES.map((it) => [it, t(`role.${it}`)] as const)}
        onChoose={setRole}
      />
      {seesAccounts && (
        <CheckField
          label={t("person.with-link")}
          hint={t("person.with-link-why")}
          isOn={withLink}
          onTurn={setLink}
        />
      )}
    </AskDialog>
  );
}
