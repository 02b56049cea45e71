/** The lane of one file: frames to begin with, raw bytes behind them (PROTOCOL.md, section 27). */

import { frame, Splitter } from "../../codec/frame.js";
import { decode, type Init } from "../../codec/message.js";
import { concat } from "../../codec/wire.js";
import { ParlourError } from "../../errors.js";
import { BlobAnswer, BlobCall, LaneKind, LaneOpen } from "../../generated/wire/v1/lanes.js";
import { BLOB_FRAME_BYTES_MAX } from "../../limits.js";
import { LANE_CANCELLED, type Lane } from "../../net/carrier.js";
import type { Link } from "../link.js";

/** The lane or its connection broke: the transfer goes on over another one. */
export class Cut extends Error {
  override readonly name = "Cut";
}

/** Bytes that came and weren't taken yet; more come once they are. */
interface Piece {
  bytes: Uint8Array;
  taken: () => void;
}

/** What the server says on a blob lane, but for errors, which are thrown. */
export type BlobSaid = Exclude<NonNullable<BlobAnswer["answer"]>, { case: "error" }>;

/** A lane whose call has been made. */
export class BlobLane {
  readonly #lane: Lane;
  readonly #answers = new Splitter(BLOB_FRAME_BYTES_MAX);
  readonly #pieces: Piece[] = [];
  #end: "ended" | "cut" | undefined;
  #wake: () => void = () => undefined;
  /** Whether the server wants no more bytes: its answer says why. */
  isStopped = false;

  constructor(link: Link, call: Init<NonNullable<BlobCall["call"]>>) {
    this.#lane = link.openBlob({
      data: (bytes) =>
        new Promise((taken) => {
          this.#pieces.push({ bytes, taken });
          this.#wake();
        }),
      end: () => this.#finish("ended"),
      reset: () => this.#finish("cut"),
      stopped: () => {
        this.isStopped = true;
      },
    });
    void this.#lane.write(concat([frame(LaneOpen, { kind: LaneKind.BLOB }), frame(BlobCall, { call })]));
  }

  #finish(end: "ended" | "cut"): void {
    this.#end ??= end;
    this.isStopped = true;
    this.#wake();
  }

  /** The next bytes; `undefined` at the end. Throws `Cut`. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#pieces.shift();
    piece?.taken();
    if (piece === undefined && this.#end === "cut") throw new Cut();
    return piece?.bytes;
  }

  /** What the server says next. Throws `ParlourError` where that is a refusal, and `Cut`. */
  async answer(): Promise<BlobSaid> {
    for (;;) {
      const bytes = this.#answers.nextFrame();
      if (bytes === undefined) {
        const piece = await this.next();
        if (piece === undefined) throw new Cut();
        this.#answers.push(piece);
        continue;
      }
      const { answer } = decode(BlobAnswer, bytes);
      if (answer?.case === "error") throw ParlourError.refused(answer.value);
      if (answer) return answer;
    }
  }

  /** What came behind the last answer. */
  takeRest(): Uint8Array {
    return this.#answers.takeRest();
  }

  /** Sends bytes; settles once they have gone on. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#lane.write(bytes);
  }

  /** Everything was said. */
  close(): void {
    this.#lane.end();
  }

  /** The transfer is given up. */
  cancel(): void {
    this.#lane.cancel(LANE_CANCELLED);
    this.#finish("cut");
    for (const piece of this.#pieces) piece.taken();
  }
}
