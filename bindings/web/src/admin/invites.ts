/** Invites, with which people make accounts of their own. All of it takes the scope `admin:accounts`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { KnockState, type InviteUse as WireUse } from "../generated/account/v1/account.js";
import { CreateInvite, DecideKnock, ListInvites, RevokeInvite } from "../generated/rpc.js";
import { fieldOf, idOf } from "../ids.js";
import { type Page, pageOf } from "./page.js";

declare const brand: unique symbol;
/** An invite, as a UUID. */
export type InviteId = string & { readonly [brand]: "invite" };

/** An invite, without its code. */
export interface Invite {
  readonly id: InviteId;
  readonly label: string;
  /** In the organization. */
  readonly role: string;
  /** Keys of the nodes that whoever takes it is put into. */
  readonly nodes: readonly string[];
  readonly usesMax: number;
  /** How many took it, less those who were declined. */
  readonly used: number;
  /** Unix milliseconds. */
  readonly createdMs: number;
  /** Unix milliseconds. */
  readonly expiresMs: number;
  /** Whoever takes it waits until somebody lets them in. */
  readonly knock: boolean;
  readonly isRevoked: boolean;
  /** Those who took it, the first 100. */
  readonly uses: readonly InviteUse[];
}

/** Somebody who took an invite. */
export interface InviteUse {
  readonly subject: string;
  readonly name: string;
  /** What they wrote to whoever decides. */
  readonly note: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly state: "waiting" | "joined" | "declined" | "unknown";
}

/** What an invite is to be. */
export interface NewInvite {
  /** For people, at most 200 bytes. */
  readonly label?: string;
  /** `member` or `guest`; `member` by default. */
  readonly role?: string;
  /** Keys of the nodes that whoever takes it is put into, at most 20. */
  readonly nodes?: readonly string[];
  /** How many may take it: 1 to 1,000, one by default. */
  readonly usesMax?: number;
  /** How long it is good, in seconds: 60 to 31,536,000, seven days by default. */
  readonly validS?: number;
  /** Whoever takes it waits until somebody lets them in. */
  readonly knock?: boolean;
}

/** A new invite with its code, which is told this once. */
export interface InviteCode {
  readonly id: InviteId | undefined;
  /** For `pageLink`. A secret. */
  readonly code: string;
  /** Unix milliseconds. */
  readonly expiresMs: number;
}

const STATES: Record<number, InviteUse["state"]> = {
  [KnockState.WAITING]: "waiting",
  [KnockState.JOINED]: "joined",
  [KnockState.DECLINED]: "declined",
};

/** The invites, oldest first; those that are over for thirty days more. */
export async function invites(client: Client, options: CallOptions = {}): Promise<Page<Invite>> {
  return pageOf(async (page, more) => {
    const answer = await client.call(ListInvites, { page }, more);
    const items = answer.invites.flatMap(({ id: field, revoked: isRevoked, uses, ...invite }) => {
      const id = idOf<InviteId>(field);
      return id ? [{ id, isRevoked, uses: uses.map(useOf), ...invite }] : [];
    });
    return { items, nextPage: answer.nextPage };
  }, options);
}

function useOf({ state, ...use }: WireUse): InviteUse {
  return { ...use, state: STATES[state] ?? "unknown" };
}

/** Makes an invite. Fails with `NODE_NOT_FOUND`, `INVALID_FIELD`, and `ACCOUNTS_DISABLED`. */
export async function createInvite(
  client: Client,
  invite: NewInvite = {},
  options: CallOptions = {},
): Promise<InviteCode> {
  const { id, code, expiresMs } = await client.call(CreateInvite, invite, options);
  return { id: idOf<InviteId>(id), code, expiresMs };
}

/** Nobody can take that invite any more; those who wait are declined. Fails with `INVITE_NOT_FOUND`. */
export async function revokeInvite(
  client: Client,
  invite: InviteId,
  options: CallOptions = {},
): Promise<void> {
  await client.call(RevokeInvite, { id: fieldOf(invite) }, options);
}

/** Lets in somebody who waits, or declines. Fails with `INVITE_NOT_FOUND` and `ACCOUNT_NOT_FOUND`. */
export async function decideKnock(
  client: Client,
  invite: InviteId,
  subject: string,
  approve: boolean,
  options: CallOptions = {},
): Promise<void> {
  await client.call(DecideKnock, { id: fieldOf(invite), subject, approve }, options);
}
