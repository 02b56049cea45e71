/** Rows that aren't messages: the beginning, days, the unread line, what happened. */

import type { NoticeItem } from "@parlour/client";
import { dayOf, momentOf, timeOf } from "../i18n/dates.ts";
import { useText } from "../i18n/text.ts";
import { useNaming } from "./names.ts";
import { noticeText, peopleOf } from "./notice-text.ts";

/** Where a day begins. */
export function DayRow({ atMs }: { atMs: number }) {
  return (
    <div className="day">
      <time dateTime={new Date(atMs).toISOString()}>{dayOf(atMs)}</time>
    </div>
  );
}

/** Where the unread messages begin. */
export function UnreadRow() {
  const { t } = useText();
  return (
    <div className="unread-line">
      <span>{t("timeline.new")}</span>
    </div>
  );
}

/** Something that happened. */
export function NoticeRow({ notice }: { notice: NoticeItem }) {
  const { t } = useText();
  const name = useNaming([...(notice.sender ? [notice.sender] : []), ...peopleOf(notice)]);
  return (
    <p className="notice">
      <span dir="auto">{noticeText(notice, t, name)}</span>
      <time title={momentOf(notice.atMs)} dateTime={new Date(notice.atMs).toISOString()}>
        {timeOf(notice.atMs)}
      </time>
    </p>
  );
}

/** Before the first row: more is being fetched. */
export function OlderRow() {
  const { t } = useText();
  return (
    <div className="older">
      <span className="spinner" aria-hidden />
      {t("timeline.older")}
    </div>
  );
}
