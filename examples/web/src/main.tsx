/** Where the page begins. */

import { DirectionProvider } from "@radix-ui/react-direction";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";
import { useText } from "./i18n/text.ts";
import { apply } from "./settings/prefs.ts";
import { Hints } from "./ui/Hints.tsx";
import "./styles/index.css";

function Root() {
  const { language } = useText();
  return (
    <DirectionProvider dir={language.dir}>
      <App />
      <Hints />
    </DirectionProvider>
  );
}

const place = document.getElementById("root");
if (place) {
  await apply();
  createRoot(place).render(
    <StrictMode>
      <Root />
    </StrictMode>,
  );
}

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // Without it the app works as well, but not without a network.
  void navigator.serviceWorker.register("./sw.js").catch(() => undefined);
}
