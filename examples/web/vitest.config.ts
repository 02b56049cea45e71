/** Pure parts, and real browsers against a real server: all of it in Chromium, the core of it in Firefox. */

import { defineConfig } from "vitest/config";
import { emojiData } from "./scripts/emoji.ts";

/** What doesn't need what Playwright has of Chromium only. */
const FIREFOX = ["chat", "outages", "carriers", "tabs"];

// A browser on a busy machine now and then misses a moment; what is told twice is shown with its repetition.
const browser = { testTimeout: 120_000, hookTimeout: 120_000, retry: 1 };

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [emojiData()],
        test: { name: "unit", include: ["src/**/*.test.{ts,tsx}", "test/unit/**/*.test.ts"] },
      },
      {
        test: { name: "browser", include: ["test/browser/**/*.test.ts"], fileParallelism: false, ...browser },
      },
      {
        test: {
          name: "firefox",
          include: FIREFOX.map((name) => `test/browser/${name}.test.ts`),
          fileParallelism: false,
          env: { BROWSER: "firefox" },
          ...browser,
        },
      },
    ],
  },
});
