/** The user's account, where the server keeps accounts of its own: the password, and where they are signed in. */

import type { CallOptions } from "../client/call.js";
import type { Client } from "../client/client.js";
import type { Init } from "../codec/message.js";
import {
  type EndLoginRequest,
  LoginMethod,
  type Login as WireLogin,
} from "../generated/account/v1/account.js";
import { EndLogin, ListLogins, SetPassword } from "../generated/rpc.js";
import { type DeviceId, fieldOf, idOf } from "../ids.js";
import type { Login } from "./login.js";

declare const brand: unique symbol;
/** A login at the server, as a UUID. */
export type LoginId = string & { readonly [brand]: "login" };

/** Where the user is signed in. */
export interface ListedLogin {
  /** To end it by. */
  readonly id: LoginId;
  /** What the client there calls itself. */
  readonly agent: string;
  /** The installation. */
  readonly device: DeviceId | undefined;
  /** When they signed in, Unix milliseconds. */
  readonly sinceMs: number;
  /** When it was last used, within an hour. Unix milliseconds. */
  readonly usedMs: number;
  /** How they signed in; `unknown` for a way of a later version. */
  readonly method: "link" | "password" | "invite" | "passkey" | "unknown";
  /** Whether it is this client's. */
  readonly isCurrent: boolean;
}

const METHODS: Record<number, ListedLogin["method"]> = {
  [LoginMethod.LINK]: "link",
  [LoginMethod.PASSWORD]: "password",
  [LoginMethod.INVITE]: "invite",
  [LoginMethod.PASSKEY]: "passkey",
};

/**
 * The user's account. Its calls fail with `ACCOUNTS_DISABLED` on a server that keeps no accounts, and with
 * `ACCOUNT_NOT_FOUND` for a user who comes with tokens of somebody else's making.
 */
export class Account {
  readonly #client: Client;
  readonly #login: Login | undefined;

  /** `login` is what the client has its tokens of. */
  constructor(client: Client, login?: Login) {
    this.#client = client;
    this.#login = login;
  }

  /**
   * Sets the password, 10 to 256 bytes, and ends all other logins. Takes the present one, unless there is none or
   * the user has signed in with a link or a passkey within the last 15 minutes. Fails with `WRONG_PASSWORD`, `INVALID_FIELD`, and
   * `RATE_LIMITED` after five wrong ones.
   */
  async setPassword(current: string, password: string, options: CallOptions = {}): Promise<void> {
    await this.#client.call(SetPassword, { current, password }, options);
  }

  /** Where the user is signed in, the newest first. */
  async logins(options: CallOptions = {}): Promise<ListedLogin[]> {
    const { logins } = await this.#client.call(ListLogins, {}, options);
    return logins.flatMap((login) => listed(login) ?? []);
  }

  /** Ends a login: its client is out within two seconds. Does nothing where it has ended already. */
  async endLogin(login: LoginId, options: CallOptions = {}): Promise<void> {
    await this.#end({ case: "login", value: fieldOf(login) }, options);
  }

  /** Ends all logins but this client's. */
  async endOtherLogins(options: CallOptions = {}): Promise<void> {
    await this.#end({ case: "others", value: true }, options);
  }

  /** Ends this client's login and forgets it on this device; the client stops. What fails leaves it as it was. */
  async signOut(options: CallOptions = {}): Promise<void> {
    const current = (await this.logins(options)).find((login) => login.isCurrent);
    if (current) await this.endLogin(current.id, options);
    // At the server it is worth nothing any more.
    await this.#login?.forget().catch(() => undefined);
  }

  async #end(which: Init<NonNullable<EndLoginRequest["which"]>>, options: CallOptions): Promise<void> {
    await this.#client.call(EndLogin, { which }, options);
  }
}

function listed({
  id: field,
  agent,
  device,
  sinceMs,
  usedMs,
  method,
  current,
}: WireLogin): ListedLogin | undefined {
  const id = idOf<LoginId>(field);
  if (id === undefined) return undefined;
  const at = { device: idOf<DeviceId>(device), sinceMs, usedMs };
  return { id, agent, ...at, method: METHODS[method] ?? "unknown", isCurrent: current };
}
