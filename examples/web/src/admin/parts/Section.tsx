/** The frame of each part: its head, what can be done in it, its content. */

import { ArrowLeft, Lock, X } from "lucide-react";
import type { ReactNode } from "react";
import { go, hashOf } from "../../app/route.ts";
import { Button, IconButton } from "../../ui/Button.tsx";
import { adminFailure } from "../failure.ts";
import type { Loaded } from "../loaded.ts";
import { useAdminText } from "../text.ts";

interface Props {
  title: string;
  detail?: string;
  tools?: ReactNode;
  children: ReactNode;
}

/** The part. */
export function Section({ title, detail, tools, children }: Props) {
  const { t } = useAdminText();
  return (
    <main className="pane" aria-label={title}>
      <header className="pane-head">
        <IconButton
          icon={ArrowLeft}
          className="back"
          label={t("nav.parts")}
          onClick={() => go(hashOf.admin())}
        />
        <div className="pane-title">
          <h1>{title}</h1>
          {detail && <p className="pane-topic">{detail}</p>}
        </div>
        {tools}
      </header>
      <div className="admin-scroll">{children}</div>
    </main>
  );
}

interface PanelProps {
  title: string;
  detail?: string;
  /** The part that it stands beside. */
  part: string;
  children: ReactNode;
}

/** What stands beside a part: one row of it, in full. */
export function Panel({ title, detail, part, children }: PanelProps) {
  const { common } = useAdminText();
  return (
    <aside className="aside" aria-label={title}>
      <header className="pane-head">
        <div className="pane-title">
          <h2 dir="auto">{title}</h2>
          {detail && (
            <p className="pane-topic" dir="auto">
              {detail}
            </p>
          )}
        </div>
        <IconButton icon={X} label={common("action.close")} onClick={() => go(hashOf.admin(part))} />
      </header>
      <div className="admin-scroll admin-panel">{children}</div>
    </aside>
  );
}

/** Something that the token doesn't allow. */
export function Missing({ scopes }: { scopes: readonly string[] }) {
  const { t } = useAdminText();
  return (
    <div className="empty">
      <Lock size={30} strokeWidth={1.25} aria-hidden />
      <h2>{t("missing.title")}</h2>
      <p>{t("missing.why", { scopes: scopes.join(", ") })}</p>
    </div>
  );
}

/** One line that says which scope would show more. */
export function MissingLine({ scope }: { scope: string }) {
  const { t } = useAdminText();
  return (
    <p className="missing-line">
      <Lock size={14} strokeWidth={1.75} aria-hidden /> {t("missing.line", { scope })}
    </p>
  );
}

/** Waiting, or why there is nothing; nothing once there is a value. */
export function Waiting({ of }: { of: Loaded<unknown> }) {
  const { t, common } = useAdminText();
  if (of.failure !== undefined) {
    return (
      <div className="failure failure-again" role="alert">
        <span>{adminFailure(of.failure, t, common)}</span>
        <Button look="quiet" onClick={of.reload}>
          {common("action.retry")}
        </Button>
      </div>
    );
  }
  if (of.value !== undefined) return null;
  return (
    <p className="empty-line" role="status">
      {common("state.loading")}
    </p>
  );
}

/** A name and a value. */
export type Fact = readonly [label: string, value: ReactNode];

/** Facts, as a list of names and values. */
export function Facts({ of }: { of: readonly Fact[] }) {
  return (
    <dl className="facts">
      {of.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
