/** The core of the browser tests in stock Firefox, where there is one: `FIREFOX_BIN`, or Debian's `firefox-esr`. */

import { execFileSync, spawnSync } from "node:child_process";

const program = process.env.FIREFOX_BIN ?? "firefox-esr";

try {
  const version = execFileSync(program, ["--version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  console.log(`Testing in ${version.trim()}`);
} catch {
  console.warn(
    `NOTHING WAS TESTED IN FIREFOX: there is no program ${program}, and FIREFOX_BIN names no other one.`,
  );
  process.exit(0);
}

for (const [command, ...args] of [
  ["vite", "build"],
  ["vitest", "run", "--project", "firefox", ...process.argv.slice(2)],
]) {
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: { ...process.env, FIREFOX_BIN: program },
  });
  if (status !== 0) process.exit(status ?? 1);
}
