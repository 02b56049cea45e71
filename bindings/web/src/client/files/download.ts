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
  const getting = new Getting(message.room, seq, attachment, options);
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
  const variant = options.preview ? Variant.PREVIEW : Variant.UNSPECIFIED;
  const request = { room: fieldOf(room), seq, hash: bytesOf(attachment.hash), variant };
  const { path, url } = await client.call(LinkAttachment, request, options);
  return url || path;
}

/** One download under way. */
class Getting {
  readonly #room: RoomId;
  readonly #seq: number;
  readonly #attachment: Attachment;
  readonly #options: DownloadOptions;
  /** How much has come. */
  length = 0;
  #pieces: Uint8Array[] = [];
  #mediaType = "";

  constructor(room: RoomId, seq: number, attachment: Attachment, options: DownloadOptions) {
    this.#room = room;
    this.#seq = seq;
    this.#attachment = attachment;
    this.#options = options;
  }

  async attempt(link: Link): Promise<void> {
    const hash = bytesOf(this.#attachment.hash);
    const variant = this.#options.preview ? Variant.PREVIEW : Variant.UNSPECIFIED;
    const value = { room: fieldOf(this.#room), seq: this.#seq, hash, variant, offset: this.length };
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
    if (hash && !sameBytes(hash, bytesOf(this.#attachment.hash))) throw new ParlourError("damaged");
    return blob;
  }
}
