/** What the server counts: shown to whoever has the operator's token for it, which stays in this page's memory. */

import { useState } from "react";
import { Button } from "../../ui/Button.tsx";
import { bytesOf, numberOf } from "../format.ts";
import { useEvery, useLoaded } from "../loaded.ts";
import { TextField } from "../parts/Fields.tsx";
import { Facts } from "../parts/Section.tsx";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { type Counted, countedIn, parseMetrics } from "./metrics.ts";
import { askMetrics, type NoMetrics } from "./port.ts";

const LOOK_EVERY_MS = 5000;

/** As long as the page lives. */
let kept: string | undefined;

/** The block. */
export function MetricsBlock() {
  const { t } = useAdminText();
  const [token, setToken] = useState(kept);
  const asked = useLoaded(() => askMetrics(token), token ?? "");
  useEvery(LOOK_EVERY_MS, asked);
  const give = (text: string) => {
    kept = text;
    setToken(text);
  };
  const { value } = asked;
  return (
    <section className="admin-block" aria-label={t("metrics.title")}>
      <header>
        <h2>{t("metrics.title")}</h2>
      </header>
      {value !== undefined && isNone(value) && (
        <None why={value} wasWrong={token !== undefined} onToken={give} />
      )}
      {value !== undefined && !isNone(value) && <Numbers counted={countedIn(parseMetrics(value))} />}
    </section>
  );
}

function isNone(value: string): value is NoMetrics {
  return value === "token" || value === "absent" || value === "unreachable";
}

interface NoneProps {
  why: NoMetrics;
  wasWrong: boolean;
  onToken: (token: string) => void;
}

function None({ why, wasWrong, onToken }: NoneProps) {
  const { t } = useAdminText();
  const [text, setText] = useState("");
  if (why !== "token")
    return <p className="soft">{t(why === "absent" ? "metrics.absent" : "metrics.unreachable")}</p>;
  return (
    <form
      className="metrics-token"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onToken(text.trim());
      }}
    >
      <TextField
        label={t("metrics.token")}
        hint={t("metrics.token-why")}
        type="password"
        autoComplete="off"
        dir="ltr"
        value={text}
        onText={setText}
      />
      <Button type="submit" disabled={text.trim() === ""}>
        {t("metrics.show")}
      </Button>
      {wasWrong && (
        <p className="failure" role="alert">
          {t("metrics.wrong")}
        </p>
      )}
    </form>
  );
}

function Numbers({ counted }: { counted: Counted }) {
  const { t } = useAdminText();
  return (
    <>
      <Facts of={factsOf(counted, t)} />
      <h3>{t("metrics.troubles")}</h3>
      {counted.troubles.length === 0 ? (
        <p className="soft">{t("metrics.no-troubles")}</p>
      ) : (
        <ul className="troubles">
          {counted.troubles.map(({ name, detail, times }) => (
            <li key={`${name} ${detail}`}>
              <code dir="ltr">{name.replace(/^parlour_|_total$/g, "")}</code>
              <span className="soft" dir="ltr">
                {detail}
              </span>
              <strong>{numberOf(times)}</strong>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function factsOf(
  { isWritable, isDraining, memoryBytes, calls, callsFailed, commitMean }: Counted,
  t: AdminTranslate,
) {
  const none = "–";
  return [
    [t("metrics.store"), t(isWritable === false ? "metrics.read-only" : "metrics.writable")],
    [t("metrics.draining"), t(isDraining ? "metrics.yes" : "metrics.no")],
    [t("metrics.memory"), memoryBytes === undefined ? none : bytesOf(memoryBytes)],
    [
      t("metrics.calls"),
      t("metrics.calls-failed", { calls: numberOf(calls), failed: numberOf(callsFailed) }),
    ],
    [
      t("metrics.commit"),
      commitMean === undefined ? none : t("metrics.ms", { ms: numberOf(commitMean * 1000) }),
    ],
  ] as const;
}
