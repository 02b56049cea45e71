/** Two suites: pure parts, and two browsers against a real server. */

import { defineConfig } from "vitest/config";
import { emojiData } from "./scripts/emoji.ts";

const browser = { testTimeout: 120_000, hookTimeout: 120_000 };

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
    ],
  },
});
