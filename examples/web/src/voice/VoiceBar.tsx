/** Speaking a message: in the place of the composer's field while it is recorded. */

import { Check, SendHorizontal, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { lengthOf } from "../files/measures.ts";
import { useText } from "../i18n/text.ts";
import { IconButton } from "../ui/Button.tsx";
import { toast } from "../ui/toast.tsx";
import { Recorder } from "./recorder.ts";

const LEVELS = 60;
const LEVEL_EVERY_MS = 80;
const LONGEST_MS = 15 * 60_000;

interface Props {
  /** What was spoken, to be sent. */
  onDone: (file: File) => void;
  onCancel: () => void;
}

/** Records from when it is drawn. */
export function VoiceBar({ onDone, onCancel }: Props) {
  const { t, language } = useText();
  const { recorder, levels, elapsedMs } = useRecording(onCancel);
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => bar.current?.focus(), []);
  const finish = () => {
    if (recorder) void recorder.stop().then(onDone, onCancel);
  };
  const isFull = elapsedMs >= LONGEST_MS;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it ends once, when it is as long as it may be.
  useEffect(() => {
    if (isFull) finish();
  }, [isFull]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of nothing to fill in is no fieldset.
    <div
      ref={bar}
      className="voice-bar"
      role="group"
      tabIndex={-1}
      aria-label={t("voice.recording")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
        else if (event.key === "Enter" && event.target === bar.current) finish();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <IconButton icon={Trash2} label={t("voice.cancel")} onClick={onCancel} />
      <span className="voice-dot" aria-hidden />
      <span className="voice-time" role="timer">
        {lengthOf(elapsedMs, language.tag)}
      </span>
      <span className="voice-levels" aria-hidden>
        {levels.map((level, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: levels are what stands at their places.
          <i key={at} style={{ blockSize: `${Math.max(level, 0.06) * 100}%` }} />
        ))}
      </span>
      <IconButton
        icon={recorder ? SendHorizontal : Check}
        className="send"
        label={t("voice.send")}
        disabled={!recorder}
        onClick={finish}
      />
    </div>
  );
}

/** A recording for as long as this stands, and its last levels. */
function useRecording(onFail: () => void) {
  const { t } = useText();
  const [recorder, setRecorder] = useState<Recorder>();
  const [seen, setSeen] = useState({ levels: [] as readonly number[], elapsedMs: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: one recording, whatever is drawn anew.
  useEffect(() => {
    let isOver = false;
    let made: Recorder | undefined;
    Recorder.start().then(
      (it) => {
        made = it;
        if (isOver) it.cancel();
        else setRecorder(it);
      },
      (error: unknown) => {
        if (isOver) return;
        const isDenied = error instanceof DOMException && error.name === "NotAllowedError";
        toast(t(isDenied ? "voice.denied" : "voice.none"));
        onFail();
      },
    );
    return () => {
      isOver = true;
      made?.cancel();
    };
  }, []);
  useEffect(() => {
    if (!recorder) return undefined;
    const timer = setInterval(() => {
      const { level, elapsedMs } = recorder;
      setSeen(({ levels }) => ({ levels: [...levels, level].slice(-LEVELS), elapsedMs }));
    }, LEVEL_EVERY_MS);
    return () => clearInterval(timer);
  }, [recorder]);
  return { recorder, ...seen };
}
