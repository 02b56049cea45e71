/**
 * Writes into a recording how long it is. Browsers write WebM as it is spoken, when nobody knows that yet (Matroska,
 * RFC 9559, section 5.1.2), and without it no player can say how long it is or go to a place in it.
 */

const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const DURATION = 0x4489;
const LOOKED_AT = 4096;

interface Element {
  id: number;
  /** Absent where the file doesn't say. */
  size: number | undefined;
  /** Where its size stands, and what is in it. */
  sizeAt: number;
  bodyAt: number;
}

/** The same file with its length; as it was where it isn't built as expected. */
export async function withDuration(file: Blob, durationMs: number): Promise<Blob> {
  const head = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  const info = infoIn(head);
  if (!info || info.size === undefined || info.bodyAt + info.size > head.length) return file;
  const end = info.bodyAt + info.size;
  if (elementsIn(head, info.bodyAt, end).some(({ id }) => id === DURATION)) return file;
  const duration = new Uint8Array(11);
  duration.set([0x44, 0x89, 0x88]);
  new DataView(duration.buffer).setFloat64(3, durationMs);
  const pieces = [
    head.subarray(0, info.sizeAt),
    sizeField(info.size + duration.length),
    head.subarray(info.bodyAt, end),
    duration,
  ];
  return new Blob([...(pieces as Uint8Array<ArrayBuffer>[]), file.slice(end)], { type: file.type });
}

/** The part that says what the file is like. A segment of a known size would have to be made longer: none is taken. */
function infoIn(head: Uint8Array): Element | undefined {
  const segment = elementsIn(head, 0, head.length).find(({ id }) => id === SEGMENT);
  if (!segment || segment.size !== undefined) return undefined;
  return elementsIn(head, segment.bodyAt, head.length).find(({ id }) => id === INFO);
}

/** The elements one after the other, up to the first whose end isn't known. */
function elementsIn(bytes: Uint8Array, from: number, to: number): Element[] {
  const elements: Element[] = [];
  for (let at = from; at < to; ) {
    const idLength = lengthAt(bytes, at);
    const sizeAt = at + idLength;
    const sizeLength = lengthAt(bytes, sizeAt);
    const bodyAt = sizeAt + sizeLength;
    if (idLength === 0 || idLength > 4 || sizeLength === 0 || bodyAt > to) break;
    const size = sizeOf(bytes, sizeAt, sizeLength);
    elements.push({ id: numberAt(bytes, at, idLength), size, sizeAt, bodyAt });
    if (size === undefined) break;
    at = bodyAt + size;
  }
  return elements;
}

/** How many bytes a number has: one more than the zeros it begins with. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  return first === 0 ? 0 : Math.clz32(first) - 23;
}

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  return bytes.subarray(at, at + length).reduce((number, byte) => number * 256 + byte, 0);
}

function sizeOf(bytes: Uint8Array, at: number, length: number): number | undefined {
  const number = numberAt(bytes, at, length) - 2 ** (7 * length);
  return number === 2 ** (7 * length) - 1 || !Number.isSafeInteger(number) ? undefined : number;
}

function sizeField(size: number): Uint8Array {
  const field = new Uint8Array(8);
  new DataView(field.buffer).setBigUint64(0, BigInt(size) | (1n << 56n));
  return field;
}
