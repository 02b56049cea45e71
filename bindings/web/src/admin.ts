/** What admins of an organization do: its directory, its accounts, its sessions, its log. Each call needs a scope. */

export {
  type Account,
  accounts,
  createSignInLink,
  endLogins,
  type SignInCode,
  setAccountScopes,
} from "./admin/accounts.js";
export { type AuditEntry, type AuditPage, audit } from "./admin/audit.js";
export {
  type ChangeOptions,
  type ChangeOutcome,
  changeDirectory,
  type DirectoryChange,
  type NodeKindName,
} from "./admin/change.js";
export { type DirectoryNode, directory, type Membership, memberships } from "./admin/directory.js";
export { type Health, health, type Provider } from "./admin/health.js";
export {
  createInvite,
  decideKnock,
  type Invite,
  type InviteCode,
  type InviteId,
  type InviteUse,
  invites,
  type NewInvite,
  revokeInvite,
} from "./admin/invites.js";
export {
  type ApiKey,
  createKey,
  createServiceAccount,
  type KeyId,
  keys,
  type NewKey,
  type NewServiceAccount,
  revokeKey,
} from "./admin/keys.js";
export { type PageLink, pageLink } from "./admin/link.js";
export {
  decideReport,
  type Report,
  type ReportDecisionName,
  type ReportId,
  type ReportReasonName,
  refusedWords,
  reports,
  setRefusedWords,
} from "./admin/moderation.js";
export { allOf, type Page } from "./admin/page.js";
export { ADMIN_SCOPES, type AdminScope, tokenScopes } from "./admin/scopes.js";
export { type Revocation, revoke, type Session, type SessionId, sessions } from "./admin/sessions.js";
export { type Quotas, setQuotas, type Usage, type UsageAndQuotas, usage } from "./admin/usage.js";
