/** What a login is kept by between two visits, as the text that its store has. */

import type { DeviceId } from "../ids.js";
import type { PendingCode } from "./how.js";

/** Bytes are hexadecimal digits. */
export interface Kept {
  /** This installation, made once. */
  device: DeviceId;
  /** As the server called it; empty before the first sign-in. */
  login: string;
  /** What it is shown with. */
  secret: string;
  /** What it will be shown with after a sign-in that is under way; empty for none. */
  next: string;
  /** The server's origin: the secret is for nobody else. */
  server: string;
  /** Whose it is. */
  subject: string;
  organization: string;
  /** A code whose sign-in isn't decided, and where it is for. */
  pending?: PendingCode & { server: string };
}

/** Nothing but the installation. */
export function nothingKept(device: DeviceId): Kept {
  return { device, login: "", secret: "", next: "", server: "", subject: "", organization: "" };
}

/** What a text says; `undefined` where it isn't one of ours. */
export function readKept(text: string | undefined): Kept | undefined {
  try {
    const kept: unknown = JSON.parse(text ?? "");
    return isKept(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

function isKept(kept: unknown): kept is Kept {
  const fields = kept as Partial<Record<keyof Kept, unknown>> | null;
  const { device, login, secret, next, server, subject, organization } = fields ?? {};
  return [device, login, secret, next, server, subject, organization].every(
    (field) => typeof field === "string",
  );
}
