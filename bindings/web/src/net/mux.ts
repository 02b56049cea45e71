/**
 * Lanes over one WebSocket (PROTOCOL.md, section 50): frames in, events out; sends in, messages out. No
 * socket and no clock. It plays both sides, so that two of them can be tested against each other.
 */

import { concat, Reader, Writer } from "../codec/wire.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import {
  DATAGRAM_BYTES_MAX,
  MUX_DATAGRAMS_MAX,
  MUX_LANES_FIRST,
  MUX_LANES_OPENED_MAX,
  MUX_MESSAGE_BYTES,
  MUX_MESSAGE_BYTES_MAX,
  MUX_RECEIVE_CREDIT,
  MUX_SEND_CREDIT,
} from "../limits.js";

const DATA = 0;
const END = 1;
const RESET = 2;
const STOP = 3;
const CREDIT = 4;
const LANES = 5;
const DATAGRAM = 6;
const CLOSE = 7;

/** The other side broke the mux's rules: the connection ends with `MALFORMED_FRAME`. */
export class MuxError extends Error {
  override readonly name = "MuxError";
}

/** What the other side does. */
export type MuxEvent =
  /** It opens a lane. */
  | { type: "opened"; lane: MuxLane }
  /** Bytes of a lane; call `read` once they are used. */
  | { type: "data"; lane: MuxLane; bytes: Uint8Array }
  /** It has said everything on a lane. */
  | { type: "ended"; lane: MuxLane }
  /** It gives up a lane. */
  | { type: "reset"; lane: MuxLane; code: number }
  /** It wants no more of a lane, which is reset. */
  | { type: "stopped"; lane: MuxLane; code: number }
  /** A datagram. */
  | { type: "datagram"; bytes: Uint8Array }
  /** It closes the connection. */
  | { type: "closed"; code: number; reason: string };

/** One lane, as both directions stand. Made by a mux only. */
export class MuxLane {
  /** Its number, once its first frame went out or came in. */
  id: number | undefined;
  /** What waits to be sent. */
  readonly queue: Uint8Array[] = [];
  queued = 0;
  sent = 0;
  creditToSend: number;
  /** `open`, then `ending` until the last bytes have gone out; `done` also where nothing may be sent. */
  sending: "open" | "ending" | "done";
  received = 0;
  wasRead = 0;
  creditGiven: number;
  /** `dropping` after a STOP: what is still on its way is passed over. */
  receiving: "open" | "dropping" | "done";

  constructor(canSend: boolean, canReceive: boolean, creditToSend: number, creditGiven: number) {
    this.sending = canSend ? "open" : "done";
    this.receiving = canReceive ? "open" : "done";
    this.creditToSend = creditToSend;
    this.creditGiven = creditGiven;
  }

  get isOver(): boolean {
    return this.sending === "done" && this.receiving === "done";
  }
}

/** One side of a connection. */
export class Mux {
  readonly #lanes = new Map<number, MuxLane>();
  /** Lanes in the order they take turns; those without a number have sent nothing yet. */
  #turns: MuxLane[] = [];
  #urgent: Uint8Array[] = [];
  #datagrams: Uint8Array[] = [];
  #events: MuxEvent[] = [];
  #nextOwn: number;
  #nextPeers: number;
  #lanesAllowed: number;
  #isClosed = false;
  readonly #isClient: boolean;

  /** The client's side, unless it is said. */
  constructor(isClient = true) {
    this.#isClient = isClient;
    this.#nextOwn = isClient ? 0 : 1;
    this.#nextPeers = isClient ? 1 : 0;
    this.#lanesAllowed = isClient ? MUX_LANES_FIRST : Number.POSITIVE_INFINITY;
  }

  // Commands.

  /** Opens a lane. It waits, if need be, until the other side allows one more. */
  open(): MuxLane {
    const lane = this.#newLane(true, this.#isClient);
    this.#turns.push(lane);
    return lane;
  }

  /** Sends bytes on a lane, as credit comes. */
  send(lane: MuxLane, bytes: Uint8Array): void {
    if (lane.sending !== "open" || bytes.length === 0) return;
    lane.queue.push(bytes);
    lane.queued += bytes.length;
  }

  /** Everything was said on a lane. */
  end(lane: MuxLane): void {
    if (lane.sending === "open") lane.sending = "ending";
  }

  /** Gives up what is still to be sent on a lane. */
  reset(lane: MuxLane, code: number): void {
    if (lane.sending === "done") return;
    lane.sending = "done";
    lane.queue.length = 0;
    lane.queued = 0;
    if (lane.id === undefined) {
      // Nobody has heard of it.
      lane.receiving = "done";
      this.#turns = this.#turns.filter((other) => other !== lane);
      return;
    }
    this.#urgent.push(message(RESET, lane.id, code));
    this.#forgetIfOver(lane);
  }

  /** No more is wanted of a lane. */
  stop(lane: MuxLane, code: number): void {
    if (lane.receiving !== "open" || lane.id === undefined) return;
    lane.receiving = "dropping";
    this.#urgent.push(message(STOP, lane.id, code));
  }

  /** Bytes of a lane were used: the other side may send as many more. */
  read(lane: MuxLane, length: number): void {
    lane.wasRead += length;
    if (lane.id === undefined || lane.receiving !== "open") return;
    if (lane.creditGiven - lane.wasRead > MUX_RECEIVE_CREDIT / 2) return;
    lane.creditGiven = lane.wasRead + MUX_RECEIVE_CREDIT;
    this.#urgent.push(message(CREDIT, lane.id, lane.creditGiven));
  }

  /** Of a server: how many lanes in all the client may have opened. */
  allowLanes(count: number): void {
    this.#urgent.push(new Writer().varint(LANES).varint(count).finish());
  }

  /** Sends a datagram, unless it is too large or too many wait. */
  sendDatagram(bytes: Uint8Array): void {
    if (bytes.length > DATAGRAM_BYTES_MAX || this.#datagrams.length >= MUX_DATAGRAMS_MAX) return;
    this.#datagrams.push(new Writer().varint(DATAGRAM).raw(bytes).finish());
  }

  /** Ends the connection. Nothing else is sent or heard after it. */
  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const text = new TextEncoder().encode(reason);
    this.#urgent = [...this.#urgent, new Writer().varint(CLOSE).varint(code).raw(text).finish()];
    this.#turns = [];
    this.#datagrams = [];
  }

  // Inputs.

  /** A message of the other side. Throws `MuxError` when it breaks a rule. */
  handleMessage(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const kind = bytes[0];
    if (kind === undefined || bytes.length > MUX_MESSAGE_BYTES_MAX) throw new MuxError();
    if (kind === DATAGRAM) this.#handleDatagram(bytes.subarray(1));
    else if (kind === CLOSE) this.#handleClose(bytes.subarray(1));
    else if (kind === LANES) this.#handleLanes(bytes.subarray(1));
    else if (kind <= CREDIT) this.#handleLaneFrame(kind, bytes.subarray(1));
  }

  #handleDatagram(bytes: Uint8Array): void {
    if (bytes.length > DATAGRAM_BYTES_MAX) throw new MuxError();
    this.#events.push({ type: "datagram", bytes });
  }

  #handleClose(bytes: Uint8Array): void {
    const [code, rest] = varint(bytes);
    this.#isClosed = true;
    this.#events.push({ type: "closed", code, reason: new TextDecoder().decode(rest) });
  }

  #handleLanes(bytes: Uint8Array): void {
    const [count, rest] = varint(bytes);
    if (!this.#isClient || rest.length > 0) throw new MuxError();
    this.#lanesAllowed = Math.max(this.#lanesAllowed, count);
  }

  #handleLaneFrame(kind: number, bytes: Uint8Array): void {
    const [id, rest] = varint(bytes);
    const lane = this.#lanes.get(id) ?? this.#opened(id, kind);
    if (lane === undefined) return;
    if (kind === DATA || kind === END) {
      this.#handleData(lane, rest, kind === END);
      return;
    }
    const [value, more] = varint(rest);
    if (more.length > 0) throw new MuxError();
    if (kind === RESET) this.#handleReset(lane, value);
    else if (kind === STOP) this.#handleStop(lane, value);
    else if (lane.sending !== "done") lane.creditToSend = Math.max(lane.creditToSend, value);
  }

  /**
   * A lane the other side opens with this frame, and with it all of its lanes below, as in QUIC (RFC 9000,
   * section 2.1); `undefined` for a late word on one that is over.
   */
  #opened(id: number, kind: number): MuxLane | undefined {
    const isOwn = id % 2 === (this.#isClient ? 0 : 1);
    const isReverse = kind === STOP || kind === CREDIT;
    if (id < (isOwn ? this.#nextOwn : this.#nextPeers) && isReverse) return undefined;
    // A server's lanes go one way: there is nothing of the client's on them to stop or to give credit for.
    if (isOwn || id < this.#nextPeers || (isReverse && this.#isClient)) throw new MuxError();
    if (id - this.#nextPeers > 2 * MUX_LANES_OPENED_MAX) throw new MuxError();
    while (this.#nextPeers <= id) this.#openPeers();
    return this.#lanes.get(id);
  }

  #openPeers(): void {
    const lane = this.#newLane(!this.#isClient, true);
    lane.id = this.#nextPeers;
    this.#nextPeers += 2;
    this.#lanes.set(lane.id, lane);
    this.#turns.push(lane);
    this.#events.push({ type: "opened", lane });
  }

  #handleData(lane: MuxLane, bytes: Uint8Array, isLast: boolean): void {
    lane.received += bytes.length;
    if (lane.receiving === "done" || lane.received > lane.creditGiven) throw new MuxError();
    const isWanted = lane.receiving === "open";
    if (isWanted && bytes.length > 0) this.#events.push({ type: "data", lane, bytes });
    if (!isLast) return;
    lane.receiving = "done";
    if (isWanted) this.#events.push({ type: "ended", lane });
    this.#forgetIfOver(lane);
  }

  #handleReset(lane: MuxLane, code: number): void {
    if (lane.receiving === "done") throw new MuxError();
    const isWanted = lane.receiving === "open";
    lane.receiving = "done";
    if (isWanted) this.#events.push({ type: "reset", lane, code });
    this.#forgetIfOver(lane);
  }

  #handleStop(lane: MuxLane, code: number): void {
    if (lane.sending === "done") return;
    this.reset(lane, code);
    this.#events.push({ type: "stopped", lane, code });
  }

  // Outputs.

  /** What the other side did, in order. */
  takeEvents(): MuxEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The next message to send: what keeps lanes going, then control, then events, then the others in turn. */
  takeMessage(): Uint8Array | undefined {
    const first = this.#urgent.shift() ?? this.#datagrams.shift();
    if (first !== undefined) return first;
    let at = this.#turns.findIndex((lane) => (lane.id === 0 || lane.id === 1) && this.#maySend(lane));
    if (at < 0) at = this.#turns.findIndex((lane) => this.#maySend(lane));
    const [lane] = at < 0 ? [] : this.#turns.splice(at, 1);
    if (lane === undefined) return undefined;
    this.#turns.push(lane);
    return this.#nextOf(lane);
  }

  #maySend(lane: MuxLane): boolean {
    if (lane.id === undefined && this.#nextOwn / 2 >= this.#lanesAllowed) return false;
    if (lane.queued > 0 && lane.creditToSend > lane.sent) return true;
    return lane.queued === 0 && lane.sending === "ending";
  }

  #nextOf(lane: MuxLane): Uint8Array {
    if (lane.id === undefined) {
      // Numbered by its first frame, since lanes are opened in order.
      lane.id = this.#nextOwn;
      this.#nextOwn += 2;
      this.#lanes.set(lane.id, lane);
    }
    const bytes = takeFrom(lane, Math.min(MUX_MESSAGE_BYTES, lane.creditToSend - lane.sent));
    lane.sent += bytes.length;
    const isLast = lane.queued === 0 && lane.sending === "ending";
    if (isLast) {
      lane.sending = "done";
      this.#forgetIfOver(lane);
    }
    return new Writer()
      .varint(isLast ? END : DATA)
      .varint(lane.id)
      .raw(bytes)
      .finish();
  }

  #newLane(canSend: boolean, canReceive: boolean): MuxLane {
    const [toSend, given] = this.#isClient
      ? [MUX_SEND_CREDIT, MUX_RECEIVE_CREDIT]
      : [MUX_RECEIVE_CREDIT, MUX_SEND_CREDIT];
    return new MuxLane(canSend, canReceive, toSend, given);
  }

  #forgetIfOver(lane: MuxLane): void {
    if (lane.sending === "done") this.#turns = this.#turns.filter((other) => other !== lane);
    if (lane.isOver && lane.id !== undefined) this.#lanes.delete(lane.id);
  }
}

function takeFrom(lane: MuxLane, lengthMax: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let left = lengthMax;
  while (left > 0) {
    const next = lane.queue.shift();
    if (next === undefined) break;
    const piece = next.subarray(0, left);
    if (piece.length < next.length) lane.queue.unshift(next.subarray(piece.length));
    pieces.push(piece);
    left -= piece.length;
    lane.queued -= piece.length;
  }
  return pieces.length === 0 ? new Uint8Array(0) : concat(pieces);
}

function message(kind: number, lane: number, value: number): Uint8Array {
  return new Writer().varint(kind).varint(lane).varint(value).finish();
}

function varint(bytes: Uint8Array): [value: number, rest: Uint8Array] {
  const end = bytes.findIndex((byte) => byte < 0x80) + 1;
  const isLonger = end > 1 && !bytes[end - 1];
  if (end === 0 || end > 10 || isLonger) throw new MuxError();
  try {
    return [new Reader(bytes.subarray(0, end)).uint64(), bytes.subarray(end)];
  } catch {
    throw new MuxError();
  }
}

/** What a connection is closed with whose mux's rules were broken. */
export const MUX_BROKEN = CloseCode.MALFORMED_FRAME;
