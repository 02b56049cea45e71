/** The passkeys of the user's account, where the server keeps accounts of its own. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import { ParlourError } from "../errors.js";
import type { BeginPasskeyResponse, Passkey as WirePasskey } from "../generated/account/v1/account.js";
import { AddPasskey, BeginPasskey, ListPasskeys, RemovePasskey } from "../generated/rpc.js";
import { bytesOf, hexOf, idOf } from "../ids.js";
import {
  answered,
  type Credentials,
  credentialsOr,
  isListening,
  source,
  tellAll,
  tellUnknown,
} from "./credentials.js";

declare const brand: unique symbol;
/** A passkey at the server, as 64 hexadecimal digits. */
export type PasskeyId = string & { readonly [brand]: "passkey" };

/** A way to sign in that stays on somebody's devices. */
export interface Passkey {
  /** To remove it by. */
  readonly id: PasskeyId;
  /** What the user calls it. */
  readonly name: string;
  /** When it was made, Unix milliseconds. */
  readonly createdMs: number;
  /** When somebody last signed in with it, Unix milliseconds; absent for never. */
  readonly usedMs: number | undefined;
  /** The authenticator's model, its AAGUID as a UUID; absent where it doesn't say. */
  readonly model: string | undefined;
  /** Whether it is copied to the user's other devices. */
  readonly isSynced: boolean;
}

/** A passkey to be made. */
export interface NewPasskey {
  /** What the user calls it, at most 100 bytes. */
  readonly name: string;
  /** The account's name, as `Login.user` has it: browsers show it where somebody chooses. */
  readonly subject: string;
  /** What people call the user; the subject unless it is said. */
  readonly displayName?: string;
  /**
   * The account's password. Not needed by an account without one, nor within 15 minutes of a sign-in with a link or a
   * passkey.
   */
  readonly password?: string;
}

/** How to add one. */
export interface AddPasskeyOptions extends CallOptions {
  /** Others than `navigator.credentials`. */
  readonly credentials?: Credentials;
}

const NO_MODEL = "00000000-0000-0000-0000-000000000000";

/**
 * The user's passkeys. Its calls fail with `ACCOUNTS_DISABLED` on a server that keeps no accounts, and with
 * `ACCOUNT_NOT_FOUND` for a user who comes with tokens of somebody else's making.
 */
export class Passkeys {
  readonly #client: Client;

  /** Those of the client's user. */
  constructor(client: Client) {
    this.#client = client;
  }

  /** All of them, at most 20, oldest first. */
  async list(options: CallOptions = {}): Promise<Passkey[]> {
    const { passkeys } = await this.#client.call(ListPasskeys, {}, options);
    return passkeys.map(listed);
  }

  /**
   * Has the user make one on this device or another one of theirs, and keeps it. Fails with `no-passkeys`,
   * `passkey-cancelled`, `passkey-exists`, `passkey-elsewhere` and `passkey-failed`; with `PASSKEYS_DISABLED`,
   * `TOO_MANY_PASSKEYS`, `WRONG_PASSWORD`, `INVALID_FIELD`, and `RATE_LIMITED` after five wrong passwords. The
   * password is checked once the passkey is made; browsers that can are told to drop one that was refused.
   */
  async add(passkey: NewPasskey, options: AddPasskeyOptions = {}): Promise<Passkey> {
    const { signal } = options;
    const credentials = credentialsOr(options.credentials);
    const begun = await this.#client.call(BeginPasskey, {}, { signal });
    const publicKey = creationOf(begun, passkey);
    const asking = credentials.create({ publicKey, ...(signal && { signal }) });
    const { id, response } = await answered<AuthenticatorAttestationResponse>(asking, signal);
    const request = {
      state: begun.state,
      clientDataJson: new Uint8Array(response.clientDataJSON),
      attestationObject: new Uint8Array(response.attestationObject),
      name: passkey.name,
      current: passkey.password ?? "",
    };
    try {
      const { passkey: added } = await this.#client.call(AddPasskey, request, { signal });
      if (!added) throw new ParlourError("malformed");
      return listed(added);
    } catch (error) {
      if (error instanceof ParlourError && error.kind === "refused") await tellUnknown(begun.host, id);
      throw error;
    }
  }

  /**
   * Nobody signs in with it any more; logins made with it stay. Does nothing where it isn't there. Browsers that can
   * are told to offer it no longer.
   */
  async remove(passkey: PasskeyId, options: CallOptions = {}): Promise<void> {
    await this.#client.call(RemovePasskey, { id: bytesOf(passkey) }, options);
    // It is removed, whatever becomes of this.
    if (isListening()) await this.#tell(options).catch(() => undefined);
  }

  /** What there is is known to whoever would make another one. */
  async #tell(options: CallOptions): Promise<void> {
    const { host, user, exclude } = await this.#client.call(BeginPasskey, {}, options);
    await tellAll(host, user, exclude);
  }
}

function creationOf(
  { challenge, host, hostName, user, algorithms, exclude }: BeginPasskeyResponse,
  { subject, displayName }: NewPasskey,
): PublicKeyCredentialCreationOptions {
  const type = "public-key";
  return {
    challenge: source(challenge),
    rp: { id: host, name: hostName },
    user: { id: source(user), name: subject, displayName: displayName ?? subject },
    pubKeyCredParams: algorithms.map((alg) => ({ type, alg })),
    excludeCredentials: exclude.map((id) => ({ type, id: source(id) })),
    // Found without a name being typed, and good for more than the device being at hand.
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    attestation: "none",
  };
}

function listed({ id, name, createdMs, usedMs, model: field, isSynced }: WirePasskey): Passkey {
  const model = idOf<string>(field);
  return {
    id: hexOf(id) as PasskeyId,
    name,
    createdMs,
    usedMs: usedMs === 0 ? undefined : usedMs,
    model: model === NO_MODEL ? undefined : model,
    isSynced,
  };
}
