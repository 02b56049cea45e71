/** What the server refused, in words for admins: they are told which field is wrong. */

import { ParlourError } from "@parlour/client";
import type { Translate } from "../i18n/text.ts";
import { failureText } from "../sdk/failure.ts";
import type { AdminKey, AdminTranslate } from "./text.ts";

const REASONS: Partial<Record<string, AdminKey>> = {
  SCOPE_MISSING: "failure.scope",
  NODE_NOT_FOUND: "failure.node",
  SUBJECT_TAKEN: "failure.taken",
  ACCOUNTS_DISABLED: "failure.accounts",
  ACCOUNT_NOT_FOUND: "failure.account",
  SERVICE_ACCOUNT: "failure.service",
  INVITE_NOT_FOUND: "failure.invite",
  KEY_NOT_FOUND: "failure.key",
  TOO_MANY_KEYS: "failure.keys",
  READ_ONLY: "failure.read-only",
  DRAINING: "failure.read-only",
};

/** Something that the page itself found wrong. */
export class Refused extends Error {
  constructor(readonly key: AdminKey) {
    super(key);
  }
}

/** An error of an admin's call. */
export function adminFailure(error: unknown, t: AdminTranslate, common: Translate): string {
  if (error instanceof Refused) return t(error.key);
  if (!(error instanceof ParlourError)) return common("error.unknown");
  const [violation] = error.violations;
  if (violation) return t("failure.field", { field: violation.field, problem: violation.problem });
  const key = error.reason && REASONS[error.reason];
  return key ? t(key) : failureText(error, common);
}
