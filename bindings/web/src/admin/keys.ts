/** Accounts of programs and their keys. All of it takes the scope `admin:accounts`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import type { ApiKey as WireKey } from "../generated/account/v1/key.js";
import { CreateKey, CreateServiceAccount, ListKeys, RevokeKey } from "../generated/rpc.js";
import { fieldOf, idOf, type UserId } from "../ids.js";

declare const brand: unique symbol;
/** A key, as a UUID. */
export type KeyId = string & { readonly [brand]: "key" };

/** A key, without its secret. */
export interface ApiKey {
  readonly id: KeyId;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Unix milliseconds. */
  readonly createdMs: number;
  /** Unix milliseconds; absent for one that never ends. */
  readonly expiresMs: number | undefined;
  readonly isRevoked: boolean;
  /** The subject of whoever made it, or `operator`. */
  readonly creator: string;
}

/** What an account of a program is to be. */
export interface NewServiceAccount {
  /** 1 to 32 of `a-z 0-9 . _ -`, nobody else's; its handle as well. */
  readonly subject: string;
  /** What people call it; the subject by default. */
  readonly name?: string;
  /** `member` or `guest`; `member` by default. */
  readonly role?: string;
  /** Keys of the nodes that it is put into, at most 20. */
  readonly nodes?: readonly string[];
  /** What its keys may allow, at most 20. */
  readonly scopes?: readonly string[];
}

/** What a key is to be. */
export interface NewKey {
  /** For people, 1 to 80 bytes. */
  readonly name: string;
  /** Of the account's scopes. */
  readonly scopes?: readonly string[];
  /** How long it is good, in seconds: 60 to 315,360,000; for ever by default. */
  readonly validS?: number;
}

/** Makes an account for a program. Fails with `SUBJECT_TAKEN`, `NODE_NOT_FOUND` and `INVALID_FIELD`. */
export async function createServiceAccount(
  client: Client,
  account: NewServiceAccount,
  options: CallOptions = {},
): Promise<UserId | undefined> {
  return idOf<UserId>((await client.call(CreateServiceAccount, account, options)).user);
}

/** The keys of a program's account, the oldest first. Fails with `ACCOUNT_NOT_FOUND`. */
export async function keys(client: Client, subject: string, options: CallOptions = {}): Promise<ApiKey[]> {
  const answer = await client.call(ListKeys, { subject }, options);
  return answer.keys.flatMap((key) => keyOf(key) ?? []);
}

/**
 * Makes a key. The secret is what the program shows as its token, and is told this once. Where the answer is lost,
 * revoke what was made and make another. Fails with `TOO_MANY_KEYS`, `ACCOUNT_NOT_FOUND` and `NOT_ALLOWED`.
 */
export async function createKey(
  client: Client,
  subject: string,
  key: NewKey,
  options: CallOptions = {},
): Promise<{ key: ApiKey | undefined; secret: string }> {
  const answer = await client.call(CreateKey, { subject, ...key }, options);
  return { key: answer.key && keyOf(answer.key), secret: answer.secret };
}

/** Revokes a key; answers how many connections are being closed. Fails with `KEY_NOT_FOUND`. */
export async function revokeKey(
  client: Client,
  subject: string,
  key: KeyId,
  options: CallOptions = {},
): Promise<number> {
  return (await client.call(RevokeKey, { subject, key: fieldOf(key) }, options)).closed;
}

function keyOf({ id: field, expiresMs, revoked: isRevoked, ...key }: WireKey): ApiKey | undefined {
  const id = idOf<KeyId>(field);
  return id && { id, ...key, expiresMs: expiresMs || undefined, isRevoked };
}
