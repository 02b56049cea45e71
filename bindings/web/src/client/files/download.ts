/** Downloads. */

import { sameBytes } from "../../codec/wire.js";
import type { Attachment } from "../../core/timeline/item.js";
import { ParlourError } from "../../errors.js";
import { Variant } from "../../generated/blob/v1/blob.js";
import { LinkAttachment } from "../../generated/rpc.js";
import { bytesOf, fieldOf, type RoomId } from "../../ids.js";
import { DOWNLOAD_BYTES_MAX } from "../../limits.js";
import type { CallOptions } from "../call.js";
import { type Client, driverOf } from "../client.js";
import type { Link } from "../link.js";
import type { Room } from "../room.js";
import { BlobLane, Cut } from "./lane.js";
import { persist, sha256, type TransferOptions } from "./transfer.js";

/** A message that carries something: a `Message` of a timeline is one. */
export interface Carrying {
  readonly room: RoomId;
  /** Its number in the log. */
  readonly seq: number | undefined;
}

/** What can be said about a download. */
export interface DownloadOptions extends TransferOptions {
  /** The smaller picture instead, where `hasPreview` says that there is one. */
  preview?: boolean;
  /** Fails with `too-large` above this; 256 MiB by default. */
  bytesMax?: number;
}

/**
 * Fetches an attachment of a message, and checks that its bytes are those that were sent. Goes on where it was after
 * a lost connection. Fails with `not-sent` for a message that isn't in the log yet.
 */
export async function download(
  client: Client,
  message: Carrying,
  attachment: Attachment,
  options: DownloadOptions = {},
): Promise<Blob> {
  const { seq } = message;
  if (seq === undefined) throw new ParlourError("not-sent");
  return get(client, new Getting(message.room, seq, attachment.hash, options), options);
}

/**
 * Fetches a picture that isn't an attachment, by its hash: somebody's avatar or the picture of an emoji from a client, a
 * group's from its room.
 */
export async function picture(
  from: Client | Room,
  hash: string,
  options: DownloadOptions = {},
): Promise<Blob> {
  const { client, room } = placeOf(from);
  return get(client, new Getting(room, 0, hash, options), options);
}

async function get(client: Client, getting: Getting, options: DownloadOptions): Promise<Blob> {
  await persist(
    driverOf(client),
    options.signal,
    () => getting.length,
    (link) => getting.attempt(link),
  );
  return getting.finish();
}

/** An address under which whoever has it can fetch an attachment over HTTP for an hour. */
export async function attachmentLink(
  client: Client,
  message: Carrying,
  attachment: Attachment,
  options: CallOptions & { preview?: boolean } = {},
): Promise<string> {
  const { room, seq } = message;
  if (seq === undefined) throw new ParlourError("not-sent");
  return link(client, room, seq, attachment.hash, options);
}

/** An address under which whoever has it can fetch a picture over HTTP for an hour; as `picture`. */
export async function pictureLink(
  from: Client | Room,
  hash: string,
  options: CallOptions & { preview?: boolean } = {},
): Promise<string> {
  const { client, room } = placeOf(from);
  return link(client, room, 0, hash, options);
}

async function link(
  client: Client,
  room: RoomId | undefined,
  seq: number,
  hash: string,
  options: CallOptions & { preview?: boolean },
): Promise<string> {
  const variant = options.preview ? Variant.PREVIEW : Variant.UNSPECIFIED;
  const request = { room: fieldOf(room ?? ""), seq, hash: bytesOf(hash), variant };
  const { path, url } = await client.call(LinkAttachment, request, options);
  return url || path;
}

function placeOf(from: Client | Room): { client: Client; room: RoomId | undefined } {
  return "client" in from ? { client: from.client, room: from.id } : { client: from, room: undefined };
}

/** One download under way. */
class Getting {
  readonly #room: RoomId | undefined;
  readonly #seq: number;
  readonly #hash: string;
  readonly #options: DownloadOptions;
  /** How much has come. */
  length = 0;
  #pieces: Uint8Array[] = [];
  #mediaType = "";

  constructor(room: RoomId | undefined, seq: number, hash: string, options: DownloadOptions) {
    this.#room = room;
    this.#seq = seq;
    this.#hash = hash;
    this.#options = options;
  }

  async attempt(link: Link): Promise<void> {
    const hash = bytesOf(this.#hash);
    const variant = this.#options.preview ? Variant.PREVIEW : Variant.UNSPECIFIED;
    const value = { room: fieldOf(this.#room ?? ""), seq: this.#seq, hash, variant, offset: this.length };
    const lane = new BlobLane(link, { case: "download", value });
    lane.close();
    const abort = () => lane.cancel();
    this.#options.signal?.addEventListener("abort", abort);
    try {
      await this.#read(lane);
    } catch (error) {
      lane.cancel();
      throw error;
    } finally {
      this.#options.signal?.removeEventListener("abort", abort);
    }
  }

  async #read(lane: BlobLane): Promise<void> {
    const answer = await lane.answer();
    if (answer.case !== "ready") throw new ParlourError("malformed");
    const { size, mediaType } = answer.value;
    this.#mediaType = mediaType;
    if (size > (this.#options.bytesMax ?? DOWNLOAD_BYTES_MAX)) throw new ParlourError("too-large");
    for (let piece: Uint8Array | undefined = lane.takeRest(); piece; piece = await lane.next()) {
      if (piece.length === 0) continue;
      this.#pieces.push(piece);
      this.length += piece.length;
      this.#options.onProgress?.(this.length, size);
    }
    if (this.length < size) throw new Cut();
  }

  /** The whole, if it is right. Previews have no hash. */
  async finish(): Promise<Blob> {
    const blob = new Blob(this.#pieces as Uint8Array<ArrayBuffer>[], { type: this.#mediaType });
    if (this.#options.preview) return blob;
    const hash = await sha256(new Uint8Array(await blob.arrayBuffer()));
    if (hash && !sameBytes(hash, bytesOf(this.#hash))) throw new ParlourError("damaged");
    return blob;
  }
}
