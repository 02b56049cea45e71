/** What the server says of itself to admins. */

import { type Health, health, type Provider } from "@parlour/client/admin";
import { agoOf } from "../../i18n/dates.ts";
import { useClient } from "../../sdk/context.tsx";
import { bytesOf, numberOf, spanOf, stampOf } from "../format.ts";
import { useEvery, useLoaded } from "../loaded.ts";
import { type Fact, Facts, Waiting } from "../parts/Section.tsx";
import { type AdminTranslate, useAdminText } from "../text.ts";

const LOOK_EVERY_MS = 5000;
const FREE_BYTES_LOW = 2e9;
/** Those that the server makes for itself are followed by others long before. */
const CERTIFICATE_SOON_MS = 3 * 86_400_000;

/** The block. */
export function HealthBlock() {
  const { t } = useAdminText();
  const client = useClient();
  const now = useLoaded((options) => health(client, options));
  useEvery(LOOK_EVERY_MS, now);
  return (
    <section className="admin-block" aria-label={t("health.details")}>
      <header>
        <h2>{t("health.details")}</h2>
      </header>
      <Waiting of={now} />
      {now.value && <Facts of={factsOf(now.value, t)} />}
      {now.value && now.value.providers.length > 0 && (
        <>
          <h3>{t("health.providers")}</h3>
          <ul className="admin-list">
            {now.value.providers.map((provider) => (
              <ProviderLine key={provider.issuer} provider={provider} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function factsOf(now: Health, t: AdminTranslate): Fact[] {
  const { version, startedMs, state, connections, connectionsMax, store, storeBytes } = now;
  const { diskFreeBytes, certificateEndsMs } = now;
  const endsSoon = certificateEndsMs - Date.now() < CERTIFICATE_SOON_MS;
  const isLow = diskFreeBytes < FREE_BYTES_LOW;
  return [
    [t("health.version"), version],
    [t("health.state"), <Flag key="state" isBad={state !== "ready"} text={state} />],
    [t("health.uptime"), spanOf((Date.now() - startedMs) / 1000)],
    [t("health.connections"), t("health.most", { n: numberOf(connections), most: numberOf(connectionsMax) })],
    [t("health.store"), store],
    [t("health.size"), bytesOf(storeBytes)],
    [
      t("health.free"),
      diskFreeBytes > 0 ? <Flag key="free" isBad={isLow} text={bytesOf(diskFreeBytes)} /> : "–",
    ],
    [
      t("health.certificate"),
      certificateEndsMs > 0 ? <Flag key="ends" isBad={endsSoon} text={stampOf(certificateEndsMs)} /> : "–",
    ],
  ];
}

/** Something that isn't as it should be is red, and bold for those who don't see that. */
function Flag({ isBad, text }: { isBad: boolean; text: string }) {
  return isBad ? <strong className="danger">{text}</strong> : <span>{text}</span>;
}

function ProviderLine({ provider: { issuer, keys, readMs, problem } }: { provider: Provider }) {
  const { t } = useAdminText();
  return (
    <li>
      <span className="person-names">
        <span className="person-name" dir="ltr">
          {issuer}
        </span>
        <span className="person-detail">
          {readMs > 0
            ? t("health.provider-keys", { n: keys, when: agoOf(readMs) })
            : t("health.provider-never")}
        </span>
        {problem && <strong className="danger">{problem}</strong>}
      </span>
    </li>
  );
}
