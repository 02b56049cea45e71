/** How far something of the user's own got, said only while there is something to say. */

import type { Message } from "@parlour/client";
import { CircleAlert, Clock } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useClientState } from "../sdk/context.tsx";
import { refusalText } from "../sdk/failure.ts";
import { Button } from "../ui/Button.tsx";

const SLOW_AFTER_MS = 2000;

/** Waiting, or failed with what can be done about it. */
export function Delivery({ message }: { message: Message }) {
  const { t } = useText();
  const state = useClientState();
  const { delivery } = message;
  if (delivery.state === "sent") return null;
  if (delivery.state === "failed") {
    return (
      <p className="delivery delivery-failed">
        <CircleAlert size={14} aria-hidden />
        <span>{refusalText(delivery.error, t)}</span>
        <Button look="quiet" onClick={() => message.retry()}>
          {t("action.retry")}
        </Button>
        <Button look="quiet" onClick={() => message.discard()}>
          {t("action.discard")}
        </Button>
      </p>
    );
  }
  return state.type === "live" ? <Slow /> : <Said text={t("delivery.waiting")} />;
}

/** While there is a connection it takes a blink: at first the text is only a little paler. */
function Slow() {
  const { t } = useText();
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return isSlow ? <Said text={t("delivery.sending")} /> : null;
}

function Said({ text }: { text: string }) {
  return (
    <p className="delivery">
      <Clock size={13} aria-hidden />
      <span>{text}</span>
    </p>
  );
}
