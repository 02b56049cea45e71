/** Writes `sw.js` with the names of the files that were built: the shell of the app, and nothing of the server's. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** Modules whose chunks are large and fetched when they are needed only; they are kept from then on. */
const LATER = /virtual:emoji|emoji\/Picker/;

/** Emits the service worker of the build. */
export function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.entries(bundle)
        .filter(([, file]) => file.type === "asset" || !file.moduleIds.some((id) => LATER.test(id)))
        .map(([name]) => name)
        .filter((name) => name.startsWith("assets/"));
      const version = createHash("sha256").update(files.sort().join()).digest("hex").slice(0, 12);
      const source = readFileSync(new URL("./sw.template.js", import.meta.url), "utf8")
        .replace("__VERSION__", version)
        .replace('"__FILES__"', JSON.stringify(files));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}
