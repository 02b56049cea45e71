/**
 * Passkeys as a browser has them (Web Authentication level 3): whether there are any, asking for one, and what went
 * wrong in the client's words. What browsers give and take are bytes, and so does the protocol.
 */

import { ParlourError } from "../errors.js";

/** What passkeys are made and used with: `navigator.credentials`, or something else that does as it does. */
export type Credentials = Pick<CredentialsContainer, "create" | "get">;

/** Whether this page may use passkeys: the browser has them, and the page is in a secure context. */
export function canUsePasskeys(): boolean {
  return globalThis.isSecureContext === true && "PublicKeyCredential" in globalThis;
}

/** Whether this browser offers passkeys among what it fills into fields. */
export async function canAutofillPasskeys(): Promise<boolean> {
  if (!canUsePasskeys()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;
}

/** Those that were given, or the browser's. Fails with `no-passkeys`. */
export function credentialsOr(given: Credentials | undefined): Credentials {
  if (given) return given;
  if (!canUsePasskeys()) throw new ParlourError("no-passkeys");
  return navigator.credentials;
}

/** What an authenticator has answered, with what the browser says about it. */
export interface Answered<Response extends AuthenticatorResponse> {
  /** The credential's id, in base64url. */
  readonly id: string;
  readonly rawId: Uint8Array;
  readonly response: Response;
}

/** What came of asking. Fails with the signal's reason, and with the kinds of passkeys. */
export async function answered<Response extends AuthenticatorResponse>(
  asking: Promise<Credential | null>,
  signal: AbortSignal | undefined,
): Promise<Answered<Response>> {
  const credential = await asking.catch((cause: unknown) => {
    throw signal?.aborted ? signal.reason : failure(cause);
  });
  if (!credential) throw new ParlourError("passkey-cancelled");
  const { id, rawId, response } = credential as PublicKeyCredential;
  return { id, rawId: new Uint8Array(rawId), response: response as Response };
}

/** Bytes that the browser may read. */
export function source(bytes: Uint8Array): BufferSource {
  return bytes as BufferSource;
}

/** Tells the browser that the server doesn't know a passkey it has, so that it isn't offered, if it listens. */
export async function tellUnknown(rpId: string, credentialId: string): Promise<void> {
  await listener()
    .signalUnknownCredential?.({ rpId, credentialId })
    .catch(() => undefined);
}

/** Whether the browser would like to know which passkeys there are. */
export function isListening(): boolean {
  return "signalAllAcceptedCredentials" in listener();
}

/** Tells the browser all passkeys that a user has, so that no others are offered. */
export async function tellAll(rpId: string, user: Uint8Array, ids: readonly Uint8Array[]): Promise<void> {
  const told = { rpId, userId: base64url(user), allAcceptedCredentialIds: ids.map(base64url) };
  await listener().signalAllAcceptedCredentials?.(told);
}

/** As section 5.1.10 has it, where browsers have it. */
interface Listener {
  signalUnknownCredential(told: { rpId: string; credentialId: string }): Promise<void>;
  signalAllAcceptedCredentials(told: {
    rpId: string;
    userId: string;
    allAcceptedCredentialIds: readonly string[];
  }): Promise<void>;
}

function listener(): Partial<Listener> {
  return (globalThis as { PublicKeyCredential?: Partial<Listener> }).PublicKeyCredential ?? {};
}

/** RFC 4648, section 5, without padding. */
export function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** By the names of exceptions in sections 5.1.3 and 5.1.4. */
function failure(cause: unknown): ParlourError {
  const { name } = cause as { name?: unknown };
  switch (name) {
    case "NotAllowedError":
    case "AbortError":
      return new ParlourError("passkey-cancelled", { cause });
    case "InvalidStateError":
      return new ParlourError("passkey-exists", { cause });
    case "SecurityError":
      return new ParlourError("passkey-elsewhere", { cause });
    default:
      return new ParlourError("passkey-failed", { cause });
  }
}
