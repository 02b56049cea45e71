/** Builds the page of the bench: a timeline of 100,000 made-up messages, without a server. */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { emojiData } from "./scripts/emoji.ts";

export default defineConfig({
  root: "test/bench",
  base: "./",
  plugins: [react(), emojiData()],
  build: {
    outDir: "../../.bench",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    chunkSizeWarningLimit: 800,
  },
});
