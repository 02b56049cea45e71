/** A link with which people make accounts of their own. */

import { createInvite, directory, pageLink } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { useLoaded } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { CheckField, ChoiceField, TextField } from "../parts/Fields.tsx";
import type { Told } from "../parts/Secret.tsx";
import { SPANS, type SpanName, secondsOf } from "../people/spans.ts";
import { useAdminText } from "../text.ts";

interface Props {
  onMade: () => void;
  onTold: (told: Told) => void;
  onClose: () => void;
}

/** The dialog. */
export function NewInviteDialog({ onMade, onTold, onClose }: Props) {
  const { t } = useAdminText();
  const client = useClient();
  // Those that the user sees, whichever scopes they have.
  const nodes = useLoaded((options) => directory(client, options));
  const [label, setLabel] = useState("");
  const [role, setRole] = useState<"member" | "guest">("member");
  const [node, setNode] = useState("");
  const [uses, setUses] = useState("1");
  const [span, setSpan] = useState<SpanName>("week");
  const [knock, setKnock] = useState(true);
  const places = nodes.value?.filter(({ key, isArchived }) => key !== "" && !isArchived) ?? [];
  const usesMax = Number(uses);
  return (
    <AskDialog
      title={t("invite.new")}
      label={t("invite.make")}
      isReady={Number.isInteger(usesMax) && usesMax >= 1 && usesMax <= 1000}
      onClose={onClose}
      onDo={async () => {
        const wanted = { label: label.trim(), role, usesMax, validS: secondsOf(span), knock };
        const { code, expiresMs } = await createInvite(client, { ...wanted, nodes: node ? [node] : [] });
        onMade();
        onTold({
          title: t("invite.told-title"),
          why: t(knock ? "invite.told-knock" : "invite.told", { n: usesMax }),
          text: pageLink({ page: location.href, code, isInvite: true }),
          expiresMs,
        });
      }}
    >
      <TextField
        label={t("invite.label")}
        hint={t("invite.label-why")}
        value={label}
        maxLength={100}
        data-autofocus
        onText={setLabel}
      />
      <div className="field-pair">
        <TextField
          label={t("invite.uses")}
          type="number"
          min={1}
          max={1000}
          required
          value={uses}
          dir="ltr"
          onText={setUses}
        />
        <ChoiceField
          label={t("invite.valid")}
          value={span}
          options={SPANS.map((it) => [it, t(`span.${it}`)] as const)}
          onChoose={setSpan}
        />
      </div>
      <div className="field-pair">
        <ChoiceField
          label={t("person.role")}
          value={role}
          options={(["member", "guest"] as const).map((it) => [it, t(`role.${it}`)] as const)}
          onChoose={setRole}
        />
        <ChoiceField
          label={t("invite.node")}
          value={node}
          options={[
            ["", t("invite.no-node")] as const,
            ...places.map(
              (it) => [it.key, `${"\u2003".repeat(Math.max(it.depth - 1, 0))}${it.name}`] as const,
            ),
          ]}
          onChoose={setNode}
        />
      </div>
      <CheckField label={t("invite.knock")} hint={t("invite.knock-why")} isOn={knock} onTurn={setKnock} />
    </AskDialog>
  );
}
