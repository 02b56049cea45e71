/** Signing in with a passkey: the server's question, and what the browser answers. */

import type { CallOptions } from "../client/call.js";
import { CHALLENGE_FOR_MS } from "../limits.js";
import { answered, type Credentials, credentialsOr, source } from "./credentials.js";
import { SignIn } from "./how.js";
import type { Login } from "./login.js";

/** How to ask for a passkey. */
export interface PasskeyOptions extends CallOptions {
  /**
   * Instead of asking the user at once, offer passkeys where the page has a field with
   * `autocomplete="username webauthn"`, for as long as it takes to choose one (`canAutofillPasskeys`). Browsers ask
   * for one thing at a time: before anything else is asked for, `signal` has to end this.
   */
  readonly autofill?: boolean;
  /** Others than `navigator.credentials`. */
  readonly credentials?: Credentials;
}

/**
 * Has the user choose a passkey of the login's server and say that it is them. What comes of it is for
 * `Login.signIn`, soon and once. Fails with `no-passkeys`, `passkey-cancelled`, `passkey-elsewhere` and
 * `passkey-failed`, with `PASSKEYS_DISABLED` or `ACCOUNTS_DISABLED` where the server has none, with `offline`, and
 * with the signal's reason.
 */
export async function askForPasskey(login: Login, options: PasskeyOptions = {}): Promise<SignIn> {
  const credentials = credentialsOr(options.credentials);
  for (;;) {
    const ended = lifeOf(options);
    try {
      return await ask(login, credentials, options, ended.signal);
    } catch (error) {
      // The challenge has run out while nobody chose: another one takes its place.
      if (error !== RUN_OUT) throw error;
    } finally {
      ended.free();
    }
  }
}

async function ask(
  login: Login,
  credentials: Credentials,
  { autofill }: PasskeyOptions,
  signal: AbortSignal,
): Promise<SignIn> {
  signal.throwIfAborted();
  const { challenge, host, state } = await login.question(signal);
  const publicKey = { challenge: source(challenge), rpId: host, userVerification: "required" } as const;
  const asking = credentials.get({ publicKey, signal, ...(autofill && { mediation: "conditional" }) });
  const { rawId, response } = await answered<AuthenticatorAssertionResponse>(asking, signal);
  return SignIn.passkey({
    state,
    id: rawId,
    user: new Uint8Array(response.userHandle ?? []),
    clientDataJson: new Uint8Array(response.clientDataJSON),
    authenticatorData: new Uint8Array(response.authenticatorData),
    signature: new Uint8Array(response.signature),
  });
}

const RUN_OUT = new Error("the challenge has run out");

/** A signal for one challenge: that of the caller, and for autofill its end. */
function lifeOf({ autofill, signal }: PasskeyOptions): { signal: AbortSignal; free: () => void } {
  const challenge = new AbortController();
  if (!autofill) return { signal: signal ?? challenge.signal, free: () => undefined };
  const timer = setTimeout(() => challenge.abort(RUN_OUT), CHALLENGE_FOR_MS);
  const both = AbortSignal.any([challenge.signal, ...(signal ? [signal] : [])]);
  return { signal: both, free: () => clearTimeout(timer) };
}
