// Makes src/generated from the contract: for each .proto file its messages as TypeScript types and
// compact field tables, and for all of them the method table and the event registry. Numbers and
// lanes come from the options in the .proto files; nothing is written by hand.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..");
const OUT = join(ROOT, "src", "generated");
const LANES = { 1: "control", 2: "bulk" };
const LOGS = { 1: "room", 2: "user", 3: "ephemeral", 4: "organization" };

const SCALARS = {
  [ScalarType.UINT32]: ["u", "number"],
  [ScalarType.INT32]: ["i", "number"],
  [ScalarType.UINT64]: ["U", "number"],
  [ScalarType.INT64]: ["I", "number"],
  [ScalarType.SINT64]: ["Z", "number"],
  [ScalarType.BOOL]: ["b", "boolean"],
  [ScalarType.STRING]: ["s", "string"],
  [ScalarType.BYTES]: ["y", "Uint8Array"],
};

/** The contract as descriptors. */
export function contract() {
  const buf = join(ROOT, "node_modules", ".bin", "buf");
  const proto = join(ROOT, "..", "..", "protocol", "proto");
  const image = execFileSync(buf, ["build", proto, "-o", "-#format=binpb"], { maxBuffer: 1 << 26 });
  return { image, registry: createFileRegistry(fromBinary(FileDescriptorSetSchema, image)) };
}

function pathOf(file) {
  return `${file.name.replace(/^parlour\//, "")}.ts`;
}

function comment(desc, indent, comments) {
  const text = comments.get(desc) ?? "";
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.replace(/^ /, "").replaceAll("*/", "*\\/"));
  if (lines.length === 1) return lines[0] ? `${indent}/** ${lines[0]} */\n` : "";
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

/** Leading comments by descriptor, out of the files' source info. */
function commentsOf(file) {
  const byPath = new Map();
  for (const location of file.proto.sourceCodeInfo?.location ?? []) {
    if (location.leadingComments) byPath.set(location.path.join(), location.leadingComments);
  }
  const found = new Map();
  const note = (desc, path) => {
    found.set(desc, byPath.get(path.join()) ?? "");
  };
  file.messages.forEach((message, m) => {
    note(message, [4, m]);
    message.fields.forEach((field) => {
      note(field, [4, m, 2, message.proto.field.indexOf(field.proto)]);
    });
  });
  file.enums.forEach((desc, e) => {
    note(desc, [5, e]);
    desc.values.forEach((value, v) => {
      note(value, [5, e, 2, v]);
    });
  });
  file.services.forEach((service, s) => {
    service.methods.forEach((method, m) => {
      note(method, [6, s, 2, m]);
    });
  });
  return found;
}

/** The names that one file uses of others. */
class Imports {
  constructor(file) {
    this.file = file;
    this.used = new Map();
  }

  name(desc) {
    if (desc.file !== this.file) {
      const names = this.used.get(desc.file) ?? new Set();
      this.used.set(desc.file, names.add(desc.name));
    }
    return desc.name;
  }

  print(here) {
    let out = "";
    for (const [file, names] of this.used) {
      const from = relative(dirname(join(OUT, here)), join(OUT, pathOf(file))).replace(/\.ts$/, ".js");
      const path = from.startsWith(".") ? from : `./${from}`;
      out += `import { ${[...names].sort().join(", ")} } from "${path}";\n`;
    }
    return out;
  }
}

function tsType(field, imports) {
  if (field.fieldKind === "message" || field.listKind === "message") return imports.name(field.message);
  if (field.fieldKind === "enum" || field.listKind === "enum") return imports.name(field.enum);
  const scalar = SCALARS[field.scalar];
  if (!scalar) throw new Error(`${field}: a scalar that the codec doesn't know`);
  return scalar[1];
}

function property(field, imports, comments) {
  const type = tsType(field, imports);
  const doc = comment(field, "  ", comments);
  if (field.fieldKind === "list") return `${doc}  ${field.localName}: ${type}[];\n`;
  const optional = field.fieldKind === "message" || field.proto.proto3Optional;
  return optional
    ? `${doc}  ${field.localName}?: ${type} | undefined;\n`
    : `${doc}  ${field.localName}: ${type};\n`;
}

function oneofProperty(oneof, imports, comments) {
  const arms = oneof.fields.map((field) => {
    const doc = comment(field, "    ", comments);
    return `${doc}    | { case: "${field.localName}"; value: ${tsType(field, imports)} }\n`;
  });
  return `  ${oneof.localName}?:\n${arms.join("")}    | undefined;\n`;
}

/** One field of a table: number, name, kind, and what is special about it. */
function row(field, refs, imports) {
  const isMessage = field.fieldKind === "message" || field.listKind === "message";
  const isEnum = field.fieldKind === "enum" || field.listKind === "enum";
  if (isMessage) refs.push(imports.name(field.message));
  const kind = isMessage ? "m" : isEnum ? "i" : SCALARS[field.scalar][0];
  const list = field.fieldKind === "list" ? "*" : "";
  const optional = !isMessage && field.proto.proto3Optional ? "?" : "";
  const oneof = field.oneof ? `@${field.oneof.localName}` : "";
  return `${field.number} ${field.localName} ${kind}${list}${optional}${oneof}`;
}

function printMessage(message, imports, comments) {
  const doc = comment(message, "", comments);
  let body = "";
  for (const member of message.members) {
    body +=
      member.kind === "oneof"
        ? oneofProperty(member, imports, comments)
        : property(member, imports, comments);
  }
  const refs = [];
  const rows = message.fields.map((field) => row(field, refs, imports));
  const lazy = refs.length ? `, () => [${refs.join(", ")}]` : "";
  const type =
    body === ""
      ? `export type ${message.name} = Record<never, never>;\n`
      : `export interface ${message.name} {\n${body}}\n`;
  return (
    `${doc}${type}` +
    `export const ${message.name}: MessageType<${message.name}> = /*@__PURE__*/ messageType("${rows.join()}"${lazy});\n\n`
  );
}

function printEnum(desc, comments) {
  const values = desc.values.map((value) => {
    return `${comment(value, "  ", comments)}  ${value.localName}: ${value.number},\n`;
  });
  return (
    `${comment(desc, "", comments)}export const ${desc.name} = {\n${values.join("")}} as const;\n` +
    `export type ${desc.name} = number;\n\n`
  );
}

function printFile(file) {
  const imports = new Imports(file);
  const comments = commentsOf(file);
  const enums = file.enums.map((desc) => printEnum(desc, comments)).join("");
  const messages = file.messages.map((message) => printMessage(message, imports, comments)).join("");
  const here = pathOf(file);
  const codec = relative(dirname(join(OUT, here)), join(ROOT, "src", "codec", "message.js"));
  const head = messages ? `import { type MessageType, messageType } from "${codec}";\n` : "";
  return `// Made from ${file.name}.proto by scripts/generate.mjs.\n${head}${imports.print(here)}\n${enums}${messages}`;
}

function printMethods(files, rule) {
  const imports = new Imports(undefined);
  let out = "";
  for (const file of files) {
    const comments = commentsOf(file);
    for (const method of file.services.flatMap((service) => service.methods)) {
      const { id, lane } = getOption(method, rule);
      const [input, output] = [imports.name(method.input), imports.name(method.output)];
      out += comment(method, "", comments);
      out += `export const ${method.name} = /*@__PURE__*/ ${LANES[lane]}Method(${id}, ${input}, ${output});\n`;
    }
  }
  const head = `import { bulkMethod, controlMethod } from "../codec/method.js";\n`;
  return `// Every method, its number and its lane; made by scripts/generate.mjs.\n${head}${imports.print("rpc.ts")}\n${out}`;
}

function lower(name) {
  return name[0].toLowerCase() + name.slice(1);
}

function eventsOf(files, rule) {
  const bodies = files.flatMap((file) => file.messages).filter((message) => hasOption(message, rule));
  const events = bodies.map((message) => ({ message, ...getOption(message, rule) }));
  return events.sort((a, b) => a.kind - b.kind);
}

/** One constant each, so that a bundle has only those it uses. */
function printKinds(events) {
  const lines = events.map(({ message, kind }) => `export const ${lower(message.name)} = ${kind};\n`);
  return `// Kinds of events by name; made by scripts/generate.mjs.\n${lines.join("")}`;
}

function printEvents(events) {
  const imports = new Imports(undefined);
  let out = "";
  const countable = events.filter((event) => event.countable).map((event) => `kind === ${event.kind}`);
  out += `/** Whether events of a kind count as unread messages. */\nexport function isCountable(kind: number): boolean {\n  return ${countable.join(" || ")};\n}\n\n`;
  for (const log of Object.values(LOGS)) {
    const here = events.filter((event) => LOGS[event.log] === log);
    const name = log[0].toUpperCase() + log.slice(1);
    out += `/** What an event says: of the log, or the kind, "${log}". */\n`;
    out += `export type ${name}EventBody =\n`;
    for (const { message } of here)
      out += `  | { case: "${lower(message.name)}"; value: ${imports.name(message)} }\n`;
    out += `  | { case: "unknown"; value: Uint8Array };\n\n`;
    out += `/** The bodies of ${name}EventBody by kind. */\nexport const ${log}Events: BodyTable = /*@__PURE__*/ bodyTable(() => ({\n`;
    for (const { message, kind } of here) out += `  ${kind}: ["${lower(message.name)}", ${message.name}],\n`;
    out += "}));\n\n";
  }
  const head = `import { type BodyTable, bodyTable } from "../codec/bodies.js";\n`;
  return `// Kinds of events and their bodies; made by scripts/generate.mjs.\n${head}${imports.print("events.ts")}\n${out}`;
}

function printAll(files) {
  const lines = files.filter((file) => file.messages.length + file.enums.length > 0);
  const exports = lines.map((file) => `export * from "./${pathOf(file).replace(/\.ts$/, ".js")}";\n`);
  return `// Every message of the contract; made by scripts/generate.mjs.\n${exports.join("")}`;
}

function write(path, text) {
  const whole = join(OUT, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
}

const { image, registry } = contract();
const files = [...registry.files].filter(
  (file) => file.proto.package.startsWith("parlour.") && !file.name.includes("options/"),
);
files.sort((a, b) => (a.name < b.name ? -1 : 1));
rmSync(OUT, { recursive: true, force: true });
for (const file of files) write(pathOf(file), printFile(file));
write("rpc.ts", printMethods(files, registry.getExtension("parlour.options.v1.method")));
const events = eventsOf(files, registry.getExtension("parlour.options.v1.event"));
write("kinds.ts", printKinds(events));
write("events.ts", printEvents(events));
write("all.ts", printAll(files));
writeFileSync(join(OUT, "contract.binpb"), image);
