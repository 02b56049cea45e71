/**
 * Frames: a varint with the length of the message, then the message (PROTOCOL.md, section 2). The
 * length is checked before anything is allocated for it.
 */

import { encode, type Init, type MessageType } from "./message.js";
import { concat, Writer } from "./wire.js";

/** Why bytes are not frames. */
export type FrameFault = "too-large" | "overlong-length" | "truncated";

/** Bytes that are not frames. */
export class FrameError extends Error {
  override readonly name = "FrameError";

  constructor(readonly fault: FrameFault) {
    super(`frame: ${fault}`);
  }
}

/** One message as a frame. */
export function frame<T>(type: MessageType<T>, message: Init<T>): Uint8Array {
  return new Writer().delimited(encode(type, message)).finish();
}

/** Cuts a lane's bytes into frames. */
export class Splitter {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Refuses frames over `bytesMax`. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes bytes as they came. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** Bytes held that no frame was made of yet. */
  get buffered(): number {
    return this.#length;
  }

  /** The next whole frame, without its length. Throws `FrameError`; the lane is unusable then. */
  nextFrame(): Uint8Array | undefined {
    const head = this.#lengthOfNext();
    if (head === undefined) return undefined;
    const [length, prefix] = head;
    if (length > this.#bytesMax) throw new FrameError("too-large");
    if (this.#length < prefix + length) return undefined;
    const buffer = this.#whole();
    this.#keep(buffer.subarray(prefix + length));
    return buffer.subarray(prefix, prefix + length);
  }

  /** What came behind the last frame, where no more frames follow. */
  takeRest(): Uint8Array {
    const rest = this.#whole();
    this.#keep(new Uint8Array(0));
    return rest;
  }

  /** The lane has ended. Throws `FrameError` if that was within a frame. */
  finish(): void {
    if (this.#length > 0) throw new FrameError("truncated");
  }

  #whole(): Uint8Array {
    const buffer = concat(this.#pieces);
    this.#pieces = [buffer];
    return buffer;
  }

  #keep(rest: Uint8Array): void {
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
  }

  #lengthOfNext(): [length: number, prefix: number] | undefined {
    let value = 0;
    for (let at = 0; at < 5; at++) {
      const byte = this.#byte(at);
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** (7 * at);
      if (byte < 0x80) {
        if (at > 0 && byte === 0) throw new FrameError("overlong-length");
        return [value, at + 1];
      }
    }
    throw new FrameError("overlong-length");
  }

  /** Without joining the pieces of a frame that is still coming. */
  #byte(at: number): number | undefined {
    let before = 0;
    for (const piece of this.#pieces) {
      if (at < before + piece.length) return piece[at - before];
      before += piece.length;
    }
    return undefined;
  }
}
