/** How the server is. Takes the scope `admin:health`. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import type { GetHealthResponse, ProviderHealth } from "../generated/health/v1/health.js";
import { GetHealth } from "../generated/rpc.js";

/** How an identity provider fares: `readMs` is 0 where its keys never were read, `problem` empty where all is well. */
export type Provider = Readonly<ProviderHealth>;

/** How the server is, whichever organization asks. */
export type Health = Readonly<Omit<GetHealthResponse, "providers">> & {
  /** Those whose keys are fetched, at most 16. */
  readonly providers: readonly Provider[];
};

/** Version, start, state, connections, store, disk, certificate, identity providers. */
export async function health(client: Client, options: CallOptions = {}): Promise<Health> {
  return client.call(GetHealth, {}, options);
}
