// Plays the conformance kit's scripts for clients against this client, in Node over WebSocket. CONFORMANCE_PYTHON names
// a Python that has what tests/conformance/requirements.txt lists; words go on to the kit.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const kit = join(root, "..", "..", "tests", "conformance");
// Beside node_modules, so that what isn't bundled is found.
const folder = mkdtempSync(join(root, "node_modules", ".conformance-"));
const outfile = join(folder, "driver.mjs");
const entryPoints = [join(root, "test", "conformance", "driver.ts")];
await build({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", external: ["ws"] });

const python = process.env.CONFORMANCE_PYTHON ?? "python3";
const words = ["run.py", "--client", `${process.execPath} ${outfile}`, ...process.argv.slice(2)];
const run = spawn(python, words, { cwd: kit, stdio: "inherit" });
run.on("exit", (code) => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(code ?? 1);
});
