/** Something that the server is asked to do: whether it is under way, and why it failed. */

import { useState } from "react";
import { useText } from "../i18n/text.ts";
import { failureText } from "./failure.ts";

/** What a form or a button shows of it. */
export interface ActionState {
  readonly isBusy: boolean;
  readonly failure: string | undefined;
  /** Whether the last one went well. */
  readonly isDone: boolean;
  /** Does it; answers whether it went well. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** For a part of a view that does one thing at a time. */
export function useAction(textOf = failureText): ActionState {
  const { t } = useText();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [isDone, setDone] = useState(false);
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    setDone(false);
    try {
      await work();
      setDone(true);
      return true;
    } catch (failed) {
      setError(failed);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, failure: error === undefined ? undefined : textOf(error, t), isDone, run };
}
