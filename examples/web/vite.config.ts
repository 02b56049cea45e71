/** How the client is built: relative addresses, no inline script, the emoji and the service worker made on the way. */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { emojiData } from "./scripts/emoji.ts";
import { serviceWorker } from "./scripts/service-worker.ts";

/** The server that `npm run dev` sends what isn't a file to. */
const server = process.env.PARLOUR_URL ?? "http://localhost:8080";

export default defineConfig({
  base: "./",
  plugins: [react(), emojiData(), serviceWorker()],
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: { "/parlour": { target: server, ws: true } },
  },
});
