/** Ids: sixteen bytes on the wire, UUIDs (RFC 9562) as text here, so that they work as keys. */

declare const brand: unique symbol;

/** A room, as a UUID. */
export type RoomId = string & { readonly [brand]: "room" };
/** A user, as a UUID. */
export type UserId = string & { readonly [brand]: "user" };
/** What the sender calls something sent, as a UUID of version 7. */
export type ClientRef = string & { readonly [brand]: "client-ref" };
/** An installation, as a UUID. */
export type DeviceId = string & { readonly [brand]: "device" };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A room's id out of text; `undefined` where it is none. */
export function roomId(text: string): RoomId | undefined {
  return UUID.test(text) ? (text.toLowerCase() as RoomId) : undefined;
}

/** A user's id out of text; `undefined` where it is none. */
export function userId(text: string): UserId | undefined {
  return UUID.test(text) ? (text.toLowerCase() as UserId) : undefined;
}

/** The id in a field; `undefined` where it isn't sixteen bytes. */
export function idOf<Id extends string = RoomId>(field: Uint8Array | undefined): Id | undefined {
  if (field?.length !== 16) return undefined;
  const hex = hexOf(field);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join("-") as Id;
}

/** The ids in a field; what is none is left out. */
export function idsOf<Id extends string = UserId>(fields: readonly Uint8Array[]): Id[] {
  return fields.map((field) => idOf<Id>(field)).filter((id) => id !== undefined);
}

/** An id as a field has it. */
export function fieldOf(id: string): Uint8Array {
  return bytesOf(id.replaceAll("-", ""));
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** The bytes of hexadecimal digits. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

/** A UUIDv7 (RFC 9562, section 5.7) from a time in Unix milliseconds and ten random bytes. */
export function uuidV7(unixMs: number, random: Uint8Array): ClientRef {
  const bytes = new Uint8Array(16);
  for (let at = 5, rest = unixMs; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return idOf<ClientRef>(bytes) as ClientRef;
}
