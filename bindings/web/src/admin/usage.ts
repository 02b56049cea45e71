/** What an organization has, and how much of it there may be. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { empty } from "../codec/message.js";
import { type Quotas as WireQuotas, Usage as WireUsage } from "../generated/quota/v1/quota.js";
import { GetUsage, SetQuotas } from "../generated/rpc.js";

/** What there is. */
export type Usage = Readonly<WireUsage>;

/** How much there may be. What isn't there is as the server is configured; 0 is without a bound. */
export type Quotas = Readonly<WireQuotas>;

/** Both. */
export interface UsageAndQuotas {
  readonly usage: Usage;
  /** Those in force; each is there. */
  readonly quotas: Quotas;
  /** Those that were set for the organization. */
  readonly set: Quotas;
}

/** What the organization has, and its quotas. Scope `admin:usage`. */
export async function usage(client: Client, options: CallOptions = {}): Promise<UsageAndQuotas> {
  const answer = await client.call(GetUsage, {}, options);
  return { usage: answer.usage ?? empty(WireUsage), quotas: answer.quotas ?? {}, set: answer.set ?? {} };
}

/**
 * Sets the organization's quotas, all of them. The scope, `admin:quotas`, is for whoever runs the server: no account of
 * the server's own can have it.
 */
export async function setQuotas(client: Client, quotas: Quotas, options: CallOptions = {}): Promise<void> {
  await client.call(SetQuotas, { quotas }, options);
}
