/** Signing an account out everywhere. */

import { type Account, endLogins, revoke } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { toast } from "../../ui/toast.tsx";
import { AskDialog } from "../parts/Action.tsx";
import { CheckField } from "../parts/Fields.tsx";
import { useMay } from "../scopes.ts";
import { useAdminText } from "../text.ts";

interface Props {
  account: Account;
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** The dialog. */
export function EndLoginsDialog({ account, name, onDone, onClose }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  const mayAccounts = useMay("admin:accounts");
  const [removePassword, setRemove] = useState(false);
  const { subject, isService, logins, keys } = account;
  return (
    <AskDialog
      title={t("person.sign-out-title", { name })}
      label={t("person.sign-out")}
      isDanger
      onClose={onClose}
      onDo={async () => {
        const n = mayAccounts
          ? await endLogins(client, subject, { removePassword })
          : await revoke(client, { subject });
        toast(t("sessions.closed", { n }));
        onDone();
      }}
    >
      <p>{isService ? t("person.sign-out-keys", { n: keys }) : t("person.sign-out-logins", { n: logins })}</p>
      {mayAccounts && account.hasPassword && (
        <CheckField
          label={t("person.remove-password")}
          hint={t("person.remove-password-why")}
          isOn={removePassword}
          onTurn={setRemove}
        />
      )}
    </AskDialog>
  );
}
