/** `npm run bench -- NAME [--quick]`: one line of JSON for each figure; without a name, all of them. */

import { execFileSync } from "node:child_process";
import { sdkBytes } from "./sdk-bytes.ts";
import { webOpen } from "./web-open.ts";
import { webScroll } from "./web-scroll.ts";

const BENCHES: Record<string, (options: { isQuick: boolean }) => Promise<void>> = {
  "sdk-bytes": sdkBytes,
  "web-open": webOpen,
  "web-scroll": webScroll,
};

const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith("-"));
const unknown = wanted.find((name) => !BENCHES[name]);
if (unknown) {
  console.error(`there is no benchmark ${unknown}, but ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}

const build = (...args: string[]) => execFileSync("vite", ["build", ...args], { stdio: "ignore" });
for (const [name, run] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (name !== "sdk-bytes") build();
  if (name === "web-scroll") build("--config", "bench.config.ts");
  await run({ isQuick: words.includes("--quick") });
}
