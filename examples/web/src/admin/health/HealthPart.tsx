/** How the server is, as far as it says so, and how much of everything there is. */

import { CircleCheck, CircleHelp, TriangleAlert } from "lucide-react";
import { useClientState } from "../../sdk/context.tsx";
import { numberOf } from "../format.ts";
import { useEvery, useLoaded } from "../loaded.ts";
import { MissingLine, Section } from "../parts/Section.tsx";
import type { PartProps } from "../parts.ts";
import { useMay } from "../scopes.ts";
import { CARRIERS } from "../sessions/Who.tsx";
import { useAdminText } from "../text.ts";
import { HealthBlock } from "./HealthBlock.tsx";
import { MetricsBlock } from "./MetricsBlock.tsx";
import { askReadiness, type Readiness } from "./port.ts";
import { UsageBlock } from "./UsageBlock.tsx";

const LOOK_EVERY_MS = 5000;

/** The part. */
export function HealthPart(_: PartProps) {
  const { t } = useAdminText();
  const [seesUsage, seesHealth] = [useMay("admin:usage"), useMay("admin:health")];
  const readiness = useLoaded(({ signal }) => askReadiness(signal));
  useEvery(LOOK_EVERY_MS, readiness);
  return (
    <Section title={t("part.health")} detail={t("health.why")}>
      <div className="health">
        <Standing readiness={readiness.value} />
        {seesUsage ? <UsageBlock /> : <MissingLine scope="admin:usage" />}
        {seesHealth ? <HealthBlock /> : <MissingLine scope="admin:health" />}
        <MetricsBlock />
      </div>
    </Section>
  );
}

/** In one line: does it work? */
function Standing({ readiness }: { readiness: Readiness | undefined }) {
  const { t } = useAdminText();
  const state = useClientState();
  const is = readiness?.is ?? "unknown";
  const Icon = is === "ready" ? CircleCheck : is === "unknown" ? CircleHelp : TriangleAlert;
  return (
    <section className="standing" data-is={is} aria-label={t("health.standing")}>
      <Icon size={26} strokeWidth={1.75} aria-hidden />
      <div>
        <div role="status">
          <h2>{readiness ? t(`health.${is}`) : t("health.asking")}</h2>
        </div>
        <p>
          {readiness?.is === "ready" && t("health.answers", { ms: numberOf(Math.round(readiness.afterMs)) })}
          {readiness?.is === "unready" && t("health.unready-why", { why: readiness.why })}
          {readiness?.is === "unknown" && t("health.unknown-why")}
          {readiness?.is === "unreachable" && t("health.unreachable-why")}
        </p>
        <p className="soft">
          {state.type === "live"
            ? t("health.carrier", { carrier: CARRIERS[state.carrier] ?? state.carrier })
            : t("health.no-connection")}
        </p>
      </div>
    </section>
  );
}
