/** Words and phrases that messages may not have. */

import { refusedWords, setRefusedWords } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { toast } from "../../ui/toast.tsx";
import { useLoaded } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { Waiting } from "../parts/Section.tsx";
import { useAdminText } from "../text.ts";

/** The dialog. */
export function WordsDialog({ onClose }: { onClose: () => void }) {
  const { t, common } = useAdminText();
  const client = useClient();
  const now = useLoaded((options) => refusedWords(client, options));
  const [text, setText] = useState<string>();
  const shown = text ?? now.value?.join("\n") ?? "";
  const words = shown.split("\n").flatMap((line) => line.trim() || []);
  return (
    <AskDialog
      title={t("words.title")}
      label={common("action.save")}
      isReady={text !== undefined}
      onClose={onClose}
      onDo={async () => {
        await setRefusedWords(client, words);
        toast(t("done"));
      }}
    >
      <p>{t("words.why")}</p>
      <Waiting of={now} />
      {now.value && (
        <label className="labelled">
          {t("words.count", { n: words.length })}
          <textarea
            className="field"
            dir="auto"
            rows={10}
            data-autofocus
            spellCheck={false}
            value={shown}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
      )}
    </AskDialog>
  );
}
