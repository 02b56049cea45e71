/** Uploads. */

import type { Attachment } from "../../core/timeline/item.js";
import { attachmentsOf } from "../../core/timeline/item.js";
import { ParlourError } from "../../errors.js";
import type { Blob as WireBlob } from "../../generated/blob/v1/blob.js";
import { FILE_PIECE_BYTES, HASHED_BYTES_MAX } from "../../limits.js";
import { type Client, driverOf } from "../client.js";
import { randomBytes } from "../environment.js";
import type { Link } from "../link.js";
import { BlobLane, type BlobSaid, Cut } from "./lane.js";
import { persist, sha256, type TransferOptions } from "./transfer.js";

/** What can be said about a file. */
export interface UploadOptions extends TransferOptions {
  /** What it is called, without a path; that of a `File` by default. */
  name?: string;
  /** Such as `image/png`; that of a `Blob` by default. What the bytes begin like goes over it. */
  mediaType?: string;
  /** What it shows, for those who can't see it. */
  description?: string;
  /** It was spoken into the message. */
  isVoice?: boolean;
}

/**
 * Uploads a file, to be sent with a message within seven days. Goes on where it was after a lost connection. Fails
 * as the server refuses: `BLOB_TOO_LARGE`, `MEDIA_TYPE_REFUSED`, `QUOTA_EXCEEDED`, `BLOB_INFECTED`; and with `empty`
 * without asking it, as no message can carry a file of no bytes.
 */
export async function upload(
  client: Client,
  file: Blob | Uint8Array,
  options: UploadOptions = {},
): Promise<Attachment> {
  const blob = file instanceof Blob ? file : new Blob([file as Uint8Array<ArrayBuffer>]);
  if (blob.size === 0) throw new ParlourError("empty");
  const sending = new Sending(blob, options);
  await sending.prepare();
  const { signal } = options;
  const stored = await persist(
    driverOf(client),
    signal,
    () => sending.sent,
    (link) => sending.attempt(link),
  );
  const ownName = file instanceof File ? file.name : "";
  const { name = ownName, description = "", isVoice = false } = options;
  const [attachment] = attachmentsOf([{ blob: stored, name, description, isVoice }]);
  if (attachment === undefined) throw new ParlourError("malformed");
  return attachment;
}

/** One upload under way. */
class Sending {
  readonly #file: Blob;
  readonly #options: UploadOptions;
  /** How far the server has it, as far as is known. */
  sent = 0;
  #hash: Uint8Array | undefined;
  readonly #id = randomBytes(16);

  constructor(file: Blob, options: UploadOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** What the server has already needn't be sent. */
  async prepare(): Promise<void> {
    if (this.#file.size > HASHED_BYTES_MAX) return;
    this.#hash = await sha256(new Uint8Array(await this.#file.arrayBuffer()));
  }

  async attempt(link: Link): Promise<WireBlob> {
    const mediaType = this.#options.mediaType ?? this.#file.type;
    const value = { upload: this.#id, size: this.#file.size, mediaType, sha256: this.#hash };
    const lane = new BlobLane(link, { case: "upload", value });
    const abort = () => lane.cancel();
    this.#options.signal?.addEventListener("abort", abort);
    try {
      const answer = await lane.answer();
      if (answer.case === "stored") return storedOf(answer);
      await this.#send(lane, answer.value.offset);
      return storedOf(await lane.answer());
    } catch (error) {
      lane.cancel();
      throw error;
    } finally {
      this.#options.signal?.removeEventListener("abort", abort);
    }
  }

  /** Sends the bytes from a place on, unless the server says why it wants no more. */
  async #send(lane: BlobLane, from: number): Promise<void> {
    const { size } = this.#file;
    for (let at = from; at < size && !lane.isStopped; at += FILE_PIECE_BYTES) {
      const piece = await this.#file.slice(at, at + FILE_PIECE_BYTES).arrayBuffer();
      await lane.write(new Uint8Array(piece));
      this.sent = Math.min(at + FILE_PIECE_BYTES, size);
      this.#options.onProgress?.(this.sent, size);
    }
    lane.close();
  }
}

function storedOf(answer: BlobSaid): WireBlob {
  if (answer.case !== "stored" || answer.value.blob === undefined) throw new Cut();
  return answer.value.blob;
}
