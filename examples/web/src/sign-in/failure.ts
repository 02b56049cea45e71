/** Why somebody isn't in, in plain words, by how they tried. */

import { ParlourError } from "@parlour/client";
import type { Key, Translate } from "../i18n/text.ts";

/** How they tried. */
export type Way = "link" | "invite" | "password" | "passkey";

const REFUSED: Record<Way, Key> = {
  link: "sign-in.link-spent",
  invite: "sign-in.invite-spent",
  password: "sign-in.wrong-password",
  passkey: "sign-in.wrong-passkey",
};

const REASONS: Partial<Record<string, Key>> = {
  ACCOUNTS_DISABLED: "sign-in.no-accounts",
  SUBJECT_TAKEN: "sign-in.taken",
  INVALID_FIELD: "sign-in.invalid",
  PASSKEYS_DISABLED: "sign-in.no-passkeys",
  OVERLOADED: "error.busy",
};

const KINDS: Partial<Record<string, Key>> = {
  offline: "sign-in.away",
  cache: "sign-in.not-kept",
  malformed: "sign-in.old",
  "passkey-cancelled": "sign-in.passkey-cancelled",
  "passkey-elsewhere": "passkeys.elsewhere",
  "passkey-failed": "sign-in.passkey-failed",
};

/** The words. */
export function signInText(error: unknown, way: Way, t: Translate): string {
  if (!(error instanceof ParlourError)) return t("error.unknown");
  const { reason, kind, retryAfterMs } = error;
  if (reason === "SIGN_IN_REFUSED") return t(REFUSED[way]);
  if (reason === "RATE_LIMITED")
    return t("sign-in.too-often", { n: Math.max(Math.ceil(retryAfterMs / 1000), 1) });
  return t((reason && REASONS[reason]) ?? KINDS[kind] ?? "error.unknown");
}
