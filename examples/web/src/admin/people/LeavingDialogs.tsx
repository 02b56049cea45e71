/** Roles in the organization, and what is to be done when somebody leaves or comes back. */

import type { User } from "@parlour/client";
import type { DirectoryChange } from "@parlour/client/admin";
import { useState } from "react";
import { ChangeDialog } from "../parts/Action.tsx";
import { ChoiceField } from "../parts/Fields.tsx";
import { PersonPicker } from "../parts/PersonPicker.tsx";
import { useAdminText } from "../text.ts";
import type { Person } from "./people.ts";

interface Props {
  person: Person;
  onDone: () => void;
  onClose: () => void;
}

const ROLES = ["owner", "admin", "member", "guest"] as const;

/** Another role in the organization. */
export function RoleInOrganizationDialog({ person, onDone, onClose }: Props) {
  const { t } = useAdminText();
  const [role, setRole] = useState<string>(person.role ?? "member");
  return (
    <ChangeDialog
      title={t("person.role-title", { name: person.name })}
      label={t("person.change-role")}
      changes={[{ type: "user", subject: person.subject, role }]}
      onDone={onDone}
      onClose={onClose}
    >
      <ChoiceField
        label={t("person.role")}
        value={role}
        options={ROLES.map((it) => [it, t(`role.${it}`)] as const)}
        onChoose={setRole}
      />
    </ChangeDialog>
  );
}

/** Out at once; what they own goes to somebody else first, if that is wished. */
export function DeactivateDialog({ person, onDone, onClose }: Props) {
  const { t } = useAdminText();
  const { subject, name } = person;
  const [heir, setHeir] = useState<User>();
  const changes: DirectoryChange[] = [{ type: "user", subject, isDeactivated: true }];
  if (heir) changes.unshift({ type: "hand-over", from: subject, to: heir.subject });
  return (
    <ChangeDialog
      title={t("person.deactivate-title", { name })}
      label={t("person.deactivate")}
      isDanger
      changes={changes}
      onDone={onDone}
      onClose={onClose}
    >
      <p>{t("person.deactivate-why")}</p>
      <PersonPicker
        label={t("person.heir-optional")}
        chosen={heir}
        without={new Set([subject])}
        onChoose={setHeir}
      />
    </ChangeDialog>
  );
}

/** In again. */
export function ReactivateDialog({ person: { subject, name }, onDone, onClose }: Props) {
  const { t } = useAdminText();
  return (
    <ChangeDialog
      title={t("person.reactivate-title", { name })}
      label={t("person.reactivate")}
      changes={[{ type: "user", subject, isDeactivated: false }]}
      onDone={onDone}
      onClose={onClose}
    >
      <p>{t("person.reactivate-why")}</p>
    </ChangeDialog>
  );
}

/** What they own goes to somebody else. */
export function HandOverDialog({ person: { subject, name }, onDone, onClose }: Props) {
  const { t } = useAdminText();
  const [heir, setHeir] = useState<User>();
  return (
    <ChangeDialog
      title={t("person.hand-over-title", { name })}
      label={t("person.hand-over")}
      isDanger
      changes={heir ? [{ type: "hand-over", from: subject, to: heir.subject }] : []}
      onDone={onDone}
      onClose={onClose}
    >
      <p>{t("person.hand-over-why")}</p>
      <PersonPicker label={t("person.heir")} chosen={heir} without={new Set([subject])} onChoose={setHeir} />
    </ChangeDialog>
  );
}
