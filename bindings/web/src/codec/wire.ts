/**
 * The wire format of protobuf: varints, strings and bytes, read and written. Integers are JavaScript
 * numbers: nothing in the contract is above 2^53 - 1, and what a peer sends beyond that is taken as
 * that bound.
 */

/** Bytes that are not the message they should be. */
export class Malformed extends Error {
  override readonly name = "Malformed";

  constructor() {
    super("not a valid message");
  }
}

/** How deep messages and groups may stand in each other. */
const DEPTH_MAX = 100;
const TWO_TO_32 = 0x1_0000_0000;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const toUtf8 = new TextEncoder();

/** Reads fields one after the other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #depth: number;
  #at = 0;
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, depth: number = 0) {
    this.#bytes = bytes;
    this.#depth = depth;
    if (depth > DEPTH_MAX) throw new Malformed();
  }

  /** Whether there is more. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** The next field's number and wire type. */
  key(): [field: number, wire: number] {
    this.#varint();
    const field = this.#low >>> 3;
    if (this.#high !== 0 || field === 0) throw new Malformed();
    return [field, this.#low & 7];
  }

  /** An unsigned integer of 32 bits. */
  uint32(): number {
    this.#varint();
    return this.#low >>> 0;
  }

  /** A signed integer of 32 bits, also an enum. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  /** An unsigned integer of 64 bits, at most 2^53 - 1. */
  uint64(): number {
    this.#varint();
    return Math.min((this.#high >>> 0) * TWO_TO_32 + (this.#low >>> 0), Number.MAX_SAFE_INTEGER);
  }

  /** A signed integer of 64 bits, within plus and minus 2^53 - 1. */
  int64(): number {
    this.#varint();
    const value = (this.#high | 0) * TWO_TO_32 + (this.#low >>> 0);
    return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(value, Number.MAX_SAFE_INTEGER));
  }

  /** A truth value. */
  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  /** Bytes behind their length: a view into what is read. */
  delimited(): Uint8Array {
    this.#varint();
    return this.#take(this.#high === 0 ? this.#low >>> 0 : Number.POSITIVE_INFINITY);
  }

  /** Text behind its length. */
  string(): string {
    const bytes = this.delimited();
    try {
      return utf8.decode(bytes);
    } catch {
      throw new Malformed();
    }
  }

  /** A reader of the message that comes next. */
  message(): Reader {
    return new Reader(this.delimited(), this.#depth + 1);
  }

  /** Passes over a field that isn't wanted. */
  skip(field: number, wire: number, depth: number = this.#depth): void {
    if (wire === 0) this.#varint();
    else if (wire === 1) this.#take(8);
    else if (wire === 2) this.delimited();
    else if (wire === 3) this.#skipGroup(field, depth + 1);
    else if (wire === 5) this.#take(4);
    else throw new Malformed();
  }

  #skipGroup(group: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new Malformed();
    for (;;) {
      const [field, wire] = this.key();
      if (wire !== 4) this.skip(field, wire, depth);
      else if (field === group) return;
      else throw new Malformed();
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Malformed();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Leaves the value in `low` and `high`, 32 bits each. */
  #varint(): void {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Malformed();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && bits > 1) throw new Malformed();
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw new Malformed();
  }
}

/** Writes fields one after the other. */
export class Writer {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** All that was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** A field's number and wire type. */
  key(field: number, wire: number): this {
    return this.varint(field * 8 + wire);
  }

  /** An integer; a negative one takes ten bytes, as protobuf has it. */
  varint(value: number): this {
    this.#reserve(10);
    if (value < 0) {
      this.#negative(value);
      return this;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Bytes behind their length. */
  delimited(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  /** Text behind its length. */
  string(text: string): this {
    return this.delimited(toUtf8.encode(text));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** How many bytes a text has in UTF-8. */
export function utf8Length(text: string): number {
  return toUtf8.encode(text).length;
}

/** Several pieces as one. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1 && pieces[0] !== undefined) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
