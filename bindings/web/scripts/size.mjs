// Measures what the client costs a page: bundled and minified, then gzipped. Fails over the budget.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes, gzipped, of everything that `import "@parlour/client"` brings. */
export const BUDGET = 44_200;

/** Entry points that a page uses beside the client. */
export const BESIDE = [
  ...["sign-in", "notifications", "inbox", "drafts", "receipts", "people", "emoji", "rooms", "schedule"],
  ...["history", "files", "search", "indexeddb", "admin"],
];

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** What an entry point adds to a page that has the client: bytes, gzipped. */
export async function addition(name, client) {
  const contents = `export * from "./index.ts"; export * as beside from "./${name}.ts";`;
  const { gzip } = await measureStdin(contents);
  return gzip - client.gzip;
}

function measureStdin(contents) {
  return measureWith({ stdin: { contents, resolveDir: join(ROOT, "src"), loader: "ts" } });
}

/** The size of an entry point, and what its parts are. */
export function measure(entry) {
  return measureWith({ entryPoints: [join(ROOT, "src", entry)] });
}

async function measureWith(what) {
  const options = {
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  };
  const built = await build({ ...options, ...what, outdir: ROOT });
  const [file] = built.outputFiles;
  const [output] = Object.values(built.metafile.outputs);
  const parts = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]);
  parts.sort((a, b) => b[1] - a[1]);
  return { minified: file.contents.length, gzip: gzipSync(file.contents, { level: 9 }).length, parts };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const entry of ["index.ts", "proto.ts"]) {
    const { minified, gzip, parts } = await measure(entry);
    console.log(`${entry}: ${minified} bytes minified, ${gzip} gzipped`);
    if (process.argv.includes("--parts"))
      for (const [path, bytes] of parts) console.log(`  ${bytes} ${path}`);
    if (entry === "index.ts") {
      for (const name of BESIDE) console.log(`  ${name}: ${await addition(name, { gzip })} more`);
    }
    if (entry === "index.ts" && gzip > BUDGET) {
      console.error(`over the budget of ${BUDGET} bytes`);
      process.exitCode = 1;
    }
  }
}
