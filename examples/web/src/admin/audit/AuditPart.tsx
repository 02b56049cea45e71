/** Who changed what and when, the newest first. */

import { type AuditEntry, type AuditPage, audit } from "@parlour/client/admin";
import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { useClient, usePerson } from "../../sdk/context.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Failure } from "../../ui/Failure.tsx";
import { stampOf } from "../format.ts";
import { useLoaded } from "../loaded.ts";
import { useAct } from "../parts/Action.tsx";
import { Pills, SearchField } from "../parts/Fields.tsx";
import { Section, Waiting } from "../parts/Section.tsx";
import { type Column, Table } from "../parts/Table.tsx";
import type { PartProps } from "../parts.ts";
import { type AdminTranslate, useAdminText } from "../text.ts";
import { entryWords, type Topic, topicOf } from "./words.ts";

const TOPICS: readonly (Topic | "all")[] = ["all", "directory", "accounts", "moderation", "other"];
/** Pages that one look further back reads. */
const PAGES_AT_ONCE = 4;
/** Lines of an entry that are in sight at once. */
const LINES_MAX = 3;

/** What was read so far, and how it goes on. */
interface Read {
  readonly entries: readonly AuditEntry[];
  readonly older: AuditPage["older"];
}

/** The part. */
export function AuditPart(_: PartProps) {
  const { t } = useAdminText();
  const client = useClient();
  const first = useLoaded((options) => audit(client, options));
  const [more, setMore] = useState<{ after: AuditPage; read: Read }>();
  const [query, setQuery] = useState("");
  const [topic, setTopic] = useState<Topic | "all">("all");
  const { act, isBusy, failure } = useAct();
  const read: Read | undefined = more && more.after === first.value ? more.read : first.value;
  const lines = new Map(read?.entries.map((entry) => [entry, entryWords(entry, t)]));
  const wanted = query.trim().toLocaleLowerCase();
  const shown = (read?.entries ?? []).filter((entry) => {
    if (topic !== "all" && topicOf(entry) !== topic) return false;
    return `${entry.actor} ${lines.get(entry)?.join(" ")}`.toLocaleLowerCase().includes(wanted);
  });
  const goBack = () =>
    act(async () => {
      let entries = read?.entries ?? [];
      let older = read?.older;
      for (let times = 0; older && times < PAGES_AT_ONCE; times++) {
        const page: AuditPage = await older();
        entries = [...entries, ...page.entries];
        older = page.older;
      }
      if (first.value) setMore({ after: first.value, read: { entries, older } });
    });
  return (
    <Section
      title={t("part.audit")}
      detail={t("audit.why")}
      tools={<IconButton icon={RefreshCw} label={t("audit.again")} onClick={first.reload} />}
    >
      <div className="admin-bar">
        <SearchField label={t("audit.search")} value={query} onText={setQuery} />
        <Pills
          label={t("audit.topics")}
          value={topic}
          options={TOPICS.map((it) => [it, t(`topic.${it}`)] as const)}
          onChoose={setTopic}
        />
      </div>
      <Waiting of={first} />
      {read && (
        <Table
          label={t("part.audit")}
          columns={columnsOf(t, lines)}
          rows={shown}
          keyOf={({ seq }) => String(seq)}
          empty={<p className="empty-line">{t("audit.none")}</p>}
        />
      )}
      {failure && <Failure text={failure} />}
      {read && (
        <div className="audit-foot">
          <span role="status">{t(read.older ? "audit.read" : "audit.all", { n: read.entries.length })}</span>
          {read.older && (
            <Button disabled={isBusy} onClick={() => void goBack()}>
              {t("audit.older")}
            </Button>
          )}
        </div>
      )}
    </Section>
  );
}

function columnsOf(t: AdminTranslate, lines: ReadonlyMap<AuditEntry, string[]>): Column<AuditEntry>[] {
  return [
    {
      id: "when",
      label: t("audit.when"),
      cell: ({ atMs }) => <time dateTime={new Date(atMs).toISOString()}>{stampOf(atMs)}</time>,
    },
    { id: "who", label: t("audit.who"), cell: (entry) => <Actor entry={entry} /> },
    { id: "what", label: t("audit.what"), cell: (entry) => <Lines lines={lines.get(entry) ?? []} /> },
  ];
}

function Actor({ entry: { actor, sender } }: { entry: AuditEntry }) {
  const { t } = useAdminText();
  const person = usePerson(actor === "operator" ? undefined : sender);
  if (actor === "operator") return <>{t("audit.operator")}</>;
  if (actor === "parlour") return <>{t("audit.server")}</>;
  return (
    <span className="cell-person">
      {person && <Avatar id={sender} size={22} />}
      <bdi data-hint={actor}>{person?.name ?? actor}</bdi>
    </span>
  );
}

function Lines({ lines }: { lines: readonly string[] }) {
  const { t } = useAdminText();
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? lines : lines.slice(0, LINES_MAX);
  return (
    <span className="audit-lines">
      {shown.map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines of an entry never change.
        <span key={at} dir="auto">
          {line}
        </span>
      ))}
      {lines.length > LINES_MAX && (
        <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? t("audit.fewer") : t("audit.more", { n: lines.length - LINES_MAX })}
        </button>
      )}
    </span>
  );
}
