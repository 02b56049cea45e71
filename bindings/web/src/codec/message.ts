/**
 * Messages by tables: each generated message brings its fields as one line of text, which is read
 * when it is used first. A tenth of the size of a full descriptor, and what nobody uses is shaken
 * out of a bundle. Unknown fields are passed over (PROTOCOL.md, section 15).
 */

import { Malformed, Reader, Writer } from "./wire.js";

/** A message as a request gives it: every field may be left out. */
export type Init<T> = T extends Uint8Array | string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Init<Item>[]
    : T extends { case: infer Case; value: infer Value }
      ? { case: Case; value: Init<Value> }
      : { [Field in keyof T]?: Init<T[Field]> | undefined };

/** How messages of one type are read and written. */
export interface MessageType<T> {
  /** Its fields. */
  readonly table: () => Table;
  /** Only for the type checker. */
  readonly example?: T;
}

interface Field {
  number: number;
  name: string;
  /** `u i` 32 bits, `U I Z` 64 bits, `b` bool, `s` string, `y` bytes, `m` message. */
  kind: string;
  isList: boolean;
  isOptional: boolean;
  oneof: string | undefined;
  message: MessageType<unknown> | undefined;
}

interface Table {
  fields: Field[];
  byNumber: Map<number, Field>;
}

type Values = Record<string, unknown>;

/** A message type out of its table, such as `"1 room y,2 seq U"`. */
export function messageType<T>(rows: string, refs?: () => MessageType<unknown>[]): MessageType<T> {
  let table: Table | undefined;
  return {
    table() {
      table ??= parseTable(rows, refs?.() ?? []);
      return table;
    },
  };
}

function parseTable(rows: string, refs: readonly MessageType<unknown>[]): Table {
  let ref = 0;
  const fields = (rows === "" ? [] : rows.split(",")).map((row): Field => {
    const [number = "", name = "", rest = ""] = row.split(" ");
    const [flags = "", oneof] = rest.split("@");
    const kind = flags.charAt(0);
    const message = kind === "m" ? refs[ref++] : undefined;
    const [isList, isOptional] = [flags.endsWith("*"), flags.endsWith("?")];
    return { number: Number(number), name, kind, isList, isOptional, oneof, message };
  });
  return { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
}

/** Reads a message. Throws `Malformed`. */
export function decode<T>(type: MessageType<T>, bytes: Uint8Array): T {
  return read(type.table(), new Reader(bytes)) as T;
}

/** A message with nothing in it. */
export function empty<T>(type: MessageType<T>): T {
  return blank(type.table()) as T;
}

function blank(table: Table): Values {
  const values: Values = {};
  for (const field of table.fields) {
    if (field.isList) values[field.name] = [];
    else if (field.oneof === undefined && !field.isOptional && field.kind !== "m") {
      values[field.name] = zero(field.kind);
    }
  }
  return values;
}

function zero(kind: string): unknown {
  if (kind === "s") return "";
  if (kind === "b") return false;
  return kind === "y" ? new Uint8Array(0) : 0;
}

function read(table: Table, reader: Reader, into: Values = blank(table)): Values {
  while (reader.hasMore) {
    const [number, wire] = reader.key();
    const field = table.byNumber.get(number);
    const wanted = field && "sym".includes(field.kind) ? 2 : 0;
    if (field && wire === wanted) readField(field, reader, into);
    else if (field?.isList && wire === 2) readPacked(field, reader, into);
    else reader.skip(number, wire);
  }
  return into;
}

function readField(field: Field, reader: Reader, into: Values): void {
  if (field.isList) {
    (into[field.name] as unknown[]).push(readValue(field, reader, undefined));
  } else if (field.oneof !== undefined) {
    const before = into[field.oneof] as { case: string; value: unknown } | undefined;
    const value = readValue(field, reader, before?.case === field.name ? before.value : undefined);
    into[field.oneof] = { case: field.name, value };
  } else {
    into[field.name] = readValue(field, reader, into[field.name]);
  }
}

function readPacked(field: Field, reader: Reader, into: Values): void {
  const packed = reader.message();
  while (packed.hasMore) (into[field.name] as unknown[]).push(readValue(field, packed, undefined));
}

function readValue(field: Field, reader: Reader, before: unknown): unknown {
  switch (field.kind) {
    case "u":
      return reader.uint32();
    case "i":
      return reader.int32();
    case "U":
      return reader.uint64();
    case "I":
      return reader.int64();
    case "b":
      return reader.bool();
    case "s":
      return reader.string();
    case "y":
      return reader.delimited();
    default: {
      if (field.message === undefined) throw new Malformed();
      const table = field.message.table();
      // A message that comes twice is one message (protobuf's merge).
      return read(table, reader.message(), before as Values | undefined);
    }
  }
}

/** Writes a message; what is left out is its zero. */
export function encode<T>(type: MessageType<T>, message: Init<T>): Uint8Array {
  const writer = new Writer();
  write(type.table(), message as Values, writer);
  return writer.finish();
}

function write(table: Table, values: Values, writer: Writer): void {
  for (const field of table.fields) {
    const value = valueIn(field, values);
    if (value === undefined) continue;
    if (field.isList) writeList(field, value as unknown[], writer);
    else if (field.oneof !== undefined || field.isOptional || !isZero(value)) {
      writeField(field, value, writer);
    }
  }
}

function valueIn(field: Field, values: Values): unknown {
  if (field.oneof === undefined) return values[field.name];
  const arm = values[field.oneof] as { case: string; value: unknown } | undefined;
  return arm?.case === field.name ? arm.value : undefined;
}

function isZero(value: unknown): boolean {
  return value === 0 || value === "" || value === false || (value as Uint8Array).length === 0;
}

function writeList(field: Field, list: unknown[], writer: Writer): void {
  if (list.length === 0) return;
  if ("sym".includes(field.kind)) {
    for (const value of list) writeField(field, value, writer);
    return;
  }
  const packed = new Writer();
  for (const value of list) packed.varint(Number(value));
  writer.key(field.number, 2).delimited(packed.finish());
}

function writeField(field: Field, value: unknown, writer: Writer): void {
  if (field.kind === "s") writer.key(field.number, 2).string(value as string);
  else if (field.kind === "y") writer.key(field.number, 2).delimited(value as Uint8Array);
  else if (field.kind === "m" && field.message !== undefined) {
    const inner = new Writer();
    write(field.message.table(), value as Values, inner);
    writer.key(field.number, 2).delimited(inner.finish());
  } else writer.key(field.number, 0).varint(Number(value));
}
