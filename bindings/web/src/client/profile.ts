/** What users say of themselves (PROTOCOL.md, section 43). */

import type { Attachment } from "../core/timeline/item.js";
import { SetProfile } from "../generated/rpc.js";
import type { Profile } from "../generated/user/v1/user.js";
import { bytesOf } from "../ids.js";
import type { CallOptions } from "./call.js";
import { type Client, driverOf } from "./client.js";

/** What may change. What isn't said stays; an empty text goes. */
export interface ProfileChange {
  /** What they do: at most 200 bytes. */
  title?: string;
  /** How they are spoken of: at most 64 bytes. */
  pronouns?: string;
  /** An IANA time zone. */
  timeZone?: string;
  /** A language tag (RFC 5646). */
  locale?: string;
  /** A picture that the user has uploaded within seven days, or `null` for none. */
  avatar?: Attachment | null;
}

/**
 * Changes what the user says of themselves, and answers with all of it. Name and handle are the directory's, or the
 * token's, to say. Fails with `INVALID_FIELD` for what is too long, or a picture that isn't a PNG, GIF, JPEG or WebP of
 * at most 5 MiB, and with `BLOB_NOT_FOUND`.
 */
export async function setProfile(
  client: Client,
  { avatar, ...change }: ProfileChange,
  options: CallOptions = {},
): Promise<Profile> {
  const hash = avatar === null ? new Uint8Array(0) : avatar && bytesOf(avatar.hash);
  const { profile = {} } = await client.call(SetProfile, { profile: { ...change, avatar: hash } }, options);
  // What is remembered of them is from before.
  if (client.me) driverOf(client).users.delete(client.me);
  return profile;
}
