/** What people have reported, and what becomes of it. */

import type { UserId } from "@parlour/client";
import { decideReport, type Report, type ReportDecisionName, reports } from "@parlour/client/admin";
import { Ban, ExternalLink, Flag, Trash2 } from "lucide-react";
import { useState } from "react";
import { hashOf } from "../../app/route.ts";
import { agoOf } from "../../i18n/dates.ts";
import { useClient, usePerson, useRoomSummary } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { toast } from "../../ui/toast.tsx";
import { stampOf } from "../format.ts";
import { useAll } from "../loaded.ts";
import { AskDialog } from "../parts/Action.tsx";
import { Pills } from "../parts/Fields.tsx";
import { Section, Waiting } from "../parts/Section.tsx";
import type { PartProps } from "../parts.ts";
import { useAdminText } from "../text.ts";
import { WordsDialog } from "./WordsDialog.tsx";

const SHOWN_FIRST = 50;

/** The part. */
export function ReportsPart(_: PartProps) {
  const { t } = useAdminText();
  const client = useClient();
  const [which, setWhich] = useState<"open" | "decided">("open");
  const [shown, setShown] = useState(SHOWN_FIRST);
  const [isFilter, setFilter] = useState(false);
  const isDecided = which === "decided";
  const all = useAll((options) => reports(client, { ...options, isDecided }), which);
  return (
    <Section
      title={t("part.reports")}
      detail={t("reports.why")}
      tools={
        <Button onClick={() => setFilter(true)}>
          <Ban size={15} aria-hidden /> {t("words.title")}
        </Button>
      }
    >
      <div className="admin-bar">
        <Pills
          label={t("reports.which")}
          value={which}
          options={(["open", "decided"] as const).map((it) => [it, t(`reports.${it}`)] as const)}
          onChoose={setWhich}
        />
      </div>
      <Waiting of={all} />
      {all.value?.length === 0 && !all.isLoading && (
        <div className="empty">
          <Flag size={30} strokeWidth={1.25} aria-hidden />
          <h2>{t(isDecided ? "reports.none-decided" : "reports.none")}</h2>
        </div>
      )}
      <ul className="reports">
        {all.value?.slice(0, shown).map((report) => (
          <ReportCard key={report.id} report={report} onDecided={all.reload} />
        ))}
      </ul>
      {(all.value?.length ?? 0) > shown && (
        <Button onClick={() => setShown(shown + SHOWN_FIRST)}>
          {t("reports.more", { n: (all.value?.length ?? 0) - shown })}
        </Button>
      )}
      {isFilter && <WordsDialog onClose={() => setFilter(false)} />}
    </Section>
  );
}

function ReportCard({ report, onDecided }: { report: Report; onDecided: () => void }) {
  const { t } = useAdminText();
  const client = useClient();
  const room = useRoomSummary(report.room);
  const [asked, setAsked] = useState<ReportDecisionName>();
  const { text, attachments, note, reason, decision, decidedBy, decidedMs, atMs } = report;
  return (
    <li className="report">
      <header>
        <span className="tag tag-loud">{t(`reason.${reason}`)}</span>
        <span className="soft">
          {t("report.by")} <PersonName id={report.reporter} />, {agoOf(atMs)}
        </span>
      </header>
      <blockquote className="report-message">
        <span className="cell-person">
          <Avatar id={report.sender} size={24} />
          <PersonName id={report.sender} />
          {room && <bdi className="soft">{room.name}</bdi>}
        </span>
        {text && <p dir="auto">{text}</p>}
        {attachments > 0 && <p className="soft">{t("report.attachments", { n: attachments })}</p>}
      </blockquote>
      {note && (
        <p className="report-note">
          <span className="soft">{t("report.note")}</span> <q dir="auto">{note}</q>
        </p>
      )}
      <footer>
        {decision === undefined ? (
          <>
            <Button className="danger" onClick={() => setAsked("deleted")}>
              <Trash2 size={15} aria-hidden /> {t("report.delete")}
            </Button>
            <Button onClick={() => setAsked("dismissed")}>{t("report.dismiss")}</Button>
          </>
        ) : (
          <span className="soft">
            {t(`report.${decision}`, { who: decidedBy, when: stampOf(decidedMs) })}
          </span>
        )}
        {room && decision !== "deleted" && (
          <a className="link-button" href={hashOf.message(report.room, report.seq)}>
            <ExternalLink size={14} aria-hidden /> {t("report.show")}
          </a>
        )}
      </footer>
      {asked && (
        <AskDialog
          title={t(asked === "deleted" ? "report.delete-title" : "report.dismiss-title")}
          label={t(asked === "deleted" ? "report.delete" : "report.dismiss")}
          isDanger={asked === "deleted"}
          onClose={() => setAsked(undefined)}
          onDo={async () => {
            await decideReport(client, report.id, asked);
            toast(t("done"));
            onDecided();
          }}
        >
          <p>{t(asked === "deleted" ? "report.delete-why" : "report.dismiss-why")}</p>
          <blockquote className="delete-quote" dir="auto">
            {text}
          </blockquote>
        </AskDialog>
      )}
    </li>
  );
}

function PersonName({ id }: { id: UserId | undefined }) {
  const { common } = useAdminText();
  const person = usePerson(id);
  return <bdi className="person-name">{person?.name ?? common("person.unknown")}</bdi>;
}
