/** What the organization has, beside how much there may be. */

import { type Quotas, setQuotas, usage } from "@parlour/client/admin";
import { useState } from "react";
import { useClient } from "../../sdk/context.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { bytesOf, numberOf, stampOf } from "../format.ts";
import { useEvery, useLoaded } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { TextField } from "../parts/Fields.tsx";
import { Facts, Waiting } from "../parts/Section.tsx";
import { useMay } from "../scopes.ts";
import { useAdminText } from "../text.ts";

const LOOK_EVERY_MS = 15_000;
const MIB = 1024 ** 2;
const NAMES = ["users", "groups", "devices", "attachmentBytes"] as const;

/** The block. */
export function UsageBlock() {
  const { t } = useAdminText();
  const client = useClient();
  const mayChange = useMay("admin:quotas");
  const now = useLoaded((options) => usage(client, options));
  const [isChanging, setChanging] = useState(false);
  useEvery(LOOK_EVERY_MS, now);
  const { value } = now;
  return (
    <section className="admin-block" aria-label={t("usage.title")}>
      <header>
        <h2>{t("usage.title")}</h2>
        {mayChange && value && (
          <Button look="quiet" onClick={() => setChanging(true)}>
            {t("quotas.change")}
          </Button>
        )}
      </header>
      <Waiting of={now} />
      {value && (
        <>
          <div className="meters">
            {NAMES.map((name) => (
              <Meter key={name} name={name} has={value.usage[name]} most={value.quotas[name] ?? 0} />
            ))}
          </div>
          <Facts
            of={[
              [t("usage.active"), numberOf(value.usage.activeUsers)],
              [t("usage.directs"), numberOf(value.usage.directRooms)],
              [t("usage.nodes"), numberOf(value.usage.nodes)],
              [t("usage.messages"), numberOf(value.usage.messages)],
              [t("usage.replies"), numberOf(value.usage.replies)],
              [
                t("usage.counted"),
                value.usage.countedAtMs > 0 ? stampOf(value.usage.countedAtMs) : t("usage.not-yet"),
              ],
            ]}
          />
        </>
      )}
      {isChanging && value && (
        <QuotasDialog set={value.set} onDone={now.reload} onClose={() => setChanging(false)} />
      )}
    </section>
  );
}

interface MeterProps {
  name: (typeof NAMES)[number];
  has: number;
  most: number;
}

/** How near a quota is; without one only how much there is. */
function Meter({ name, has, most }: MeterProps) {
  const { t } = useAdminText();
  const amount = name === "attachmentBytes" ? bytesOf : numberOf;
  const share = most > 0 ? has / most : 0;
  return (
    <div className="meter" data-near={share >= 0.9 || undefined}>
      <span className="meter-name">{t(`usage.${name}`)}</span>
      <strong>{amount(has)}</strong>
      <span className="soft">{most > 0 ? t("usage.of", { most: amount(most) }) : t("usage.unbounded")}</span>
      {most > 0 && (
        <meter
          min={0}
          max={most}
          high={most * 0.9}
          value={Math.min(has, most)}
          aria-label={t(`usage.${name}`)}
        >
          {amount(has)}
        </meter>
      )}
    </div>
  );
}

interface DialogProps {
  set: Quotas;
  onDone: () => void;
  onClose: () => void;
}

/** All quotas at once: an empty field is as the server is configured, 0 without a bound. */
function QuotasDialog({ set, onDone, onClose }: DialogProps) {
  const { t, common } = useAdminText();
  const client = useClient();
  const unit = (name: keyof Quotas) => (name === "attachmentBytes" ? MIB : 1);
  const textOf = (name: (typeof NAMES)[number]) => {
    const most = set[name];
    return most === undefined ? "" : String(most / unit(name));
  };
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(NAMES.map((name) => [name, textOf(name)])),
  );
  const numbers = NAMES.map((name) => [name, texts[name]?.trim() ?? ""] as const);
  const isGood = numbers.every(
    ([, text]) => text === "" || (Number(text) >= 0 && Number.isFinite(Number(text))),
  );
  return (
    <AskDialog
      title={t("quotas.change")}
      label={common("action.save")}
      isReady={isGood}
      onClose={onClose}
      onDo={async () => {
        const wanted = numbers.flatMap(([name, text]) =>
          text === "" ? [] : [[name, Math.round(Number(text) * unit(name))] as const],
        );
        await setQuotas(client, Object.fromEntries(wanted));
        toast(t("done"));
        onDone();
      }}
    >
      <p>{t("quotas.why")}</p>
      {NAMES.map((name) => (
        <TextField
          key={name}
          label={name === "attachmentBytes" ? t("quotas.attachments") : t(`usage.${name}`)}
          placeholder={t("quotas.default")}
          value={texts[name] ?? ""}
          inputMode="numeric"
          dir="ltr"
          onText={(text) => setTexts({ ...texts, [name]: text })}
        />
      ))}
    </AskDialog>
  );
}
