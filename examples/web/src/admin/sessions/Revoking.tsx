/** Ending what isn't in a list: all tokens of somebody, one session, or one token. */

import { revoke } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { AskDialog } from "../parts/Action.tsx";
import { ChoiceField, TextField } from "../parts/Fields.tsx";
import { useAdminText } from "../text.ts";

type What = "subject" | "session" | "token";
const WHATS = ["subject", "session", "token"] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The form. */
export function Revoking() {
  const { t } = useAdminText();
  const client = useClient();
  const [what, setWhat] = useState<What>("subject");
  const [text, setText] = useState("");
  const [isAsking, setAsking] = useState(false);
  const named = text.trim();
  const isGood = named !== "" && (what !== "session" || UUID.test(named));
  const run = () => {
    if (what === "subject") return revoke(client, { subject: named });
    return revoke(client, what === "session" ? { session: named } : { tokenId: named });
  };
  // The question is a form of its own, and stands beside this one.
  return (
    <>
      <form
        className="admin-block revoking"
        aria-label={t("revoke.title")}
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood) setAsking(true);
        }}
      >
        <header>
          <h2>{t("revoke.title")}</h2>
        </header>
        <p className="soft">{t("revoke.why")}</p>
        <div className="revoking-fields">
          <ChoiceField
            label={t("revoke.what")}
            value={what}
            options={WHATS.map((it) => [it, t(`revoke.${it}`)] as const)}
            onChoose={setWhat}
          />
          <TextField
            label={t(`revoke.${what}-name`)}
            value={text}
            dir="ltr"
            spellCheck={false}
            onText={setText}
          />
          <Button type="submit" look="danger" disabled={!isGood}>
            {t("revoke.go")}
          </Button>
        </div>
      </form>
      {isAsking && (
        <AskDialog
          title={t("revoke.sure", { what: named })}
          label={t("revoke.go")}
          isDanger
          onClose={() => setAsking(false)}
          onDo={async () => {
            toast(t("sessions.closed", { n: await run() }));
            setText("");
          }}
        >
          <p>{t(`revoke.${what}-why`)}</p>
        </AskDialog>
      )}
    </>
  );
}
