// Puts a compressed copy beside each file that is worth it: the server hands those out as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

const WORTH_IT = /\.(html|js|css|json|svg|webmanifest|txt)$/;
const dist = new URL("../dist", import.meta.url).pathname;

for (const name of readdirSync(dist, { recursive: true })) {
  if (!WORTH_IT.test(name)) continue;
  const path = join(dist, name);
  const bytes = readFileSync(path);
  const small = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  if (small.length < bytes.length * 0.9) writeFileSync(`${path}.gz`, small);
}
