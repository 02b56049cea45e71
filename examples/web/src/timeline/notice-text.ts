/** What happened in a room, in plain words. */

import type { NoticeItem, UserId } from "@parlour/client";
import { idOf } from "@parlour/client/proto";
import type { Key, Translate } from "../i18n/text.ts";

/** The people that a notice names, besides whoever caused it. */
export function peopleOf({ body }: NoticeItem): UserId[] {
  switch (body.case) {
    case "membersAdded":
      return body.value.users.flatMap((field) => idOf<UserId>(field) ?? []);
    case "memberRemoved":
    case "memberBanned":
    case "memberUnbanned":
      return [idOf<UserId>(body.value.user) ?? []].flat();
    case "roomHandedOver":
      return [idOf<UserId>(body.value.to) ?? []].flat();
    default:
      return [];
  }
}

/** Names people, with the user as "you". */
export type Naming = (ids: readonly UserId[]) => string;

/** A notice as a sentence. */
export function noticeText(notice: NoticeItem, t: Translate, name: Naming): string {
  const { body, sender } = notice;
  const who = name(sender ? [sender] : []);
  const others = peopleOf(notice);
  const whom = name(others);
  const isSelf = others.length === 1 && others[0] === sender;
  switch (body.case) {
    case "roomCreated":
      return body.value.name ? t("notice.created", { who, name: body.value.name }) : t("notice.begun");
    case "membersAdded":
      return isSelf ? t("notice.joined", { who }) : t("notice.added", { who, whom });
    case "memberRemoved":
      return isSelf ? t("notice.left", { who }) : t("notice.removed", { who, whom });
    case "roomRenamed":
      return t("notice.renamed", { who, name: body.value.name });
    case "topicChanged":
      return body.value.topic
        ? t("notice.topic", { who, topic: body.value.topic })
        : t("notice.no-topic", { who });
    case "slowModeChanged":
      return t("notice.slow-mode", { who });
    case "memberBanned":
      return t("notice.banned", { who, whom });
    case "memberUnbanned":
      return t("notice.unbanned", { who, whom });
    case "roomHandedOver":
      return t("notice.handed-over", { who, whom });
    case "roomArchived":
      return t(body.value.archived ? "notice.archived" : "notice.unarchived", { who });
    case "roomOpened":
      return t(body.value.open ? "notice.opened" : "notice.closed", { who });
    default:
      return t(OTHERS[body.case] ?? "notice.unknown", { who });
  }
}

const OTHERS: Partial<Record<NoticeItem["body"]["case"], Key>> = {
  overridesChanged: "notice.permissions",
  roomAvatarChanged: "notice.avatar",
  messageExpiryChanged: "notice.expiry",
  hookCreated: "notice.integration",
  hookRevoked: "notice.integration",
  webhookCreated: "notice.integration",
  webhookRevoked: "notice.integration",
  webhookResumed: "notice.integration",
  webhookStopped: "notice.integration",
};
