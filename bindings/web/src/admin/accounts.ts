/** Accounts that the server itself keeps (PROTOCOL.md, section 22). All of it takes the scope `admin:accounts`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { CreateSignInLink, EndLogins, ListAccounts, SetAccountScopes } from "../generated/rpc.js";
import { idOf, type UserId } from "../ids.js";
import { ACCOUNTS_PAGE } from "../limits.js";
import { type Page, pageOf } from "./page.js";

/** An account. */
export interface Account {
  readonly user: UserId;
  /** The `sub` of its tokens. */
  readonly subject: string;
  /** Unix milliseconds. */
  readonly createdMs: number;
  readonly hasPassword: boolean;
  /** What its tokens allow. */
  readonly scopes: readonly string[];
  /** In how many places its user is signed in, at most 100. */
  readonly logins: number;
  /** It is a program's, which has keys. */
  readonly isService: boolean;
  /** How many of its keys are good. */
  readonly keys: number;
}

/** A code that lets somebody in once. It is told this once: the server keeps only its hash. */
export interface SignInCode {
  /** For `pageLink`. A secret. */
  readonly code: string;
  /** Unix milliseconds. */
  readonly expiresMs: number;
  /** There was no account before. */
  readonly isNew: boolean;
}

/** The accounts. On a server that keeps none of people, those of programs. */
export async function accounts(client: Client, options: CallOptions = {}): Promise<Page<Account>> {
  return pageOf(async (page, more) => {
    const answer = await client.call(ListAccounts, { page, pageSize: ACCOUNTS_PAGE }, more);
    const items = answer.accounts.flatMap(({ user: field, ...account }) => {
      const user = idOf<UserId>(field);
      return user ? [{ user, ...account }] : [];
    });
    return { items, nextPage: answer.nextPage };
  }, options);
}

/**
 * Makes a sign-in link for a user of the directory, and the account where there is none; an earlier link is no longer
 * good. It is good for `validS` seconds, 60 to 604,800, a day by default. Fails with `USER_NOT_FOUND`,
 * `SERVICE_ACCOUNT`, and `ACCOUNTS_DISABLED` on a server that keeps no accounts of people.
 */
export async function createSignInLink(
  client: Client,
  subject: string,
  { validS = 0, ...options }: CallOptions & { validS?: number } = {},
): Promise<SignInCode> {
  const { code, expiresMs, created } = await client.call(CreateSignInLink, { subject, validS }, options);
  return { code, expiresMs, isNew: created };
}

/**
 * Sets what an account's tokens allow, at most 20 scopes. Where that changes its connections are closed; answers how
 * many. Fails with `ACCOUNT_NOT_FOUND`.
 */
export async function setAccountScopes(
  client: Client,
  subject: string,
  scopes: readonly string[],
  options: CallOptions = {},
): Promise<number> {
  return (await client.call(SetAccountScopes, { subject, scopes }, options)).closed;
}

/**
 * Signs an account out everywhere, a program's by revoking its keys; answers how many connections are being closed.
 * With `removePassword` whoever has it is out until there is a new link. Fails with `ACCOUNT_NOT_FOUND`.
 */
export async function endLogins(
  client: Client,
  subject: string,
  { removePassword = false, ...options }: CallOptions & { removePassword?: boolean } = {},
): Promise<number> {
  return (await client.call(EndLogins, { subject, password: removePassword }, options)).closed;
}
