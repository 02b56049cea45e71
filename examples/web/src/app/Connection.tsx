/** Where the connection stands, said honestly and only when there is something to say. */

import { WifiOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useClient, useClientState } from "../sdk/context.tsx";
import { Button } from "../ui/Button.tsx";

/** A blink without a connection isn't worth a word. */
const SAID_AFTER_MS = 1200;

/** The line at the head of the page. */
export function ConnectionLine() {
  const { t } = useText();
  const client = useClient();
  const state = useClientState();
  const isAway = state.type === "offline" || state.type === "connecting";
  // Read by whoever looks into a page that is slow, and by tests.
  const carrier = state.type === "live" ? state.carrier : undefined;
  useEffect(() => {
    if (carrier) performance.mark("parlour-live");
  }, [carrier]);
  const [isSaid, setSaid] = useState(false);
  useEffect(() => {
    if (!isAway) {
      setSaid(false);
      return undefined;
    }
    const timer = setTimeout(() => setSaid(true), SAID_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isAway]);
  return (
    <div role="status" className="connection-place" data-carrier={carrier}>
      {isAway && isSaid && (
        <p className="connection">
          <WifiOff size={15} aria-hidden />
          <span>{t(navigator.onLine ? "connection.away" : "connection.offline")}</span>
          {state.type === "offline" && (
            <Button look="quiet" onClick={() => client.reconnect()}>
              {t("connection.now")}
            </Button>
          )}
        </p>
      )}
    </div>
  );
}
