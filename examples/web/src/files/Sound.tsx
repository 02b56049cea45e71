/** Something to hear: a voice message, or a file of sound, with how loud it is as a picture of it. */

import type { Attachment, Message } from "@parlour/client";
import { attachmentLink } from "@parlour/client/files";
import { Download, Mic, Music, Pause, Play } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { useText } from "../i18n/text.ts";
import { useClient } from "../sdk/context.tsx";
import { useScope } from "../timeline/scope.tsx";
import { IconButton } from "../ui/Button.tsx";
import { FileCard, nameOf, useSaving } from "./MessageFiles.tsx";
import { lengthOf } from "./measures.ts";
import { barsOf } from "./waveform.ts";

const BARS = 44;
const STEP_S = 5;
const SPEEDS = [1, 1.5, 2];

let playing: HTMLAudioElement | undefined;

/** The player. What the browser can't play is a file. */
export function Sound({ message, attachment }: { message: Message; attachment: Attachment }) {
  const { t, language } = useText();
  const save = useSaving(message);
  const player = usePlayer(message, attachment);
  if (player.isUnplayable) return <FileCard message={message} attachment={attachment} />;
  const { isVoice } = attachment;
  const name = isVoice ? t("voice.message") : nameOf(attachment, t("attachment.unnamed"));
  const Icon = isVoice ? Mic : Music;
  const speed = `${player.speed.toLocaleString(language.tag)}×`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of nothing to fill in is no fieldset.
    <div className="sound" role="group" aria-label={name}>
      <button
        type="button"
        className="sound-play"
        aria-label={t(player.isPlaying ? "files.pause" : "files.play", { name })}
        onClick={player.toggle}
      >
        {player.isPlaying ? (
          <Pause size={18} fill="currentColor" strokeWidth={0} aria-hidden />
        ) : (
          <Play size={18} fill="currentColor" strokeWidth={0} aria-hidden />
        )}
      </button>
      <div className="sound-middle">
        {!isVoice && <bdi className="file-name">{name}</bdi>}
        <Waves attachment={attachment} player={player} />
        <span className="file-facts">
          <Icon size={12} aria-hidden />{" "}
          {lengthOf(player.isBegun ? player.atMs : player.lengthMs, language.tag)}
        </span>
      </div>
      <button
        type="button"
        className="sound-speed"
        aria-label={t("voice.speed", { speed })}
        onClick={player.faster}
      >
        {speed}
      </button>
      {!isVoice && (
        <IconButton
          icon={Download}
          size={16}
          label={t("files.save", { name })}
          onClick={() => void save(attachment)}
        />
      )}
      <audio ref={player.element} preload="none" {...player.events} />
    </div>
  );
}

type Player = ReturnType<typeof usePlayer>;

function usePlayer(message: Message, attachment: Attachment) {
  const client = useClient();
  const scope = useScope();
  const element = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [isUnplayable, setUnplayable] = useState(false);
  const [atMs, setAtMs] = useState(0);
  const [heardMs, setHeardMs] = useState(0);
  const [speed, setSpeed] = useState(1);
  const lengthMs = attachment.durationMs || heardMs;
  const begin = async (audio: HTMLAudioElement) => {
    if (!audio.getAttribute("src")) audio.src = await attachmentLink(client, message, attachment);
    if (playing !== audio) playing?.pause();
    playing = audio;
    await audio.play();
  };
  const toggle = () => {
    const audio = element.current;
    if (!audio) return;
    if (!audio.paused) return audio.pause();
    begin(audio).catch((error: unknown) => {
      // What the browser says of media isn't an error of the server's.
      if (error instanceof DOMException) {
        if (error.name === "NotSupportedError") setUnplayable(true);
      } else scope.fail(error);
    });
  };
  const seek = (part: number) => {
    const audio = element.current;
    if (!audio || lengthMs === 0) return;
    const toMs = Math.min(Math.max(part, 0), 1) * lengthMs;
    setAtMs(toMs);
    const move = () => {
      audio.currentTime = toMs / 1000;
    };
    if (audio.readyState > 0) move();
    else audio.addEventListener("loadedmetadata", move, { once: true });
  };
  const faster = () => {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1;
    setSpeed(next);
    if (element.current) element.current.playbackRate = next;
  };
  const events = {
    onPlay: (): void => {
      setPlaying(true);
      if (element.current) element.current.playbackRate = speed;
    },
    onPause: () => setPlaying(false),
    onEnded: () => setAtMs(0),
    onTimeUpdate: () => setAtMs((element.current?.currentTime ?? 0) * 1000),
    onDurationChange: () => {
      const seconds = element.current?.duration ?? 0;
      if (Number.isFinite(seconds)) setHeardMs(seconds * 1000);
    },
  };
  const isBegun = isPlaying || atMs > 0;
  return { element, isPlaying, isUnplayable, isBegun, atMs, lengthMs, speed, toggle, seek, faster, events };
}

/** How loud it is from begin to end, as a slider through it. */
function Waves({ attachment, player }: { attachment: Attachment; player: Player }) {
  const { t, language } = useText();
  const bars = barsOf(attachment.waveform, BARS);
  const part = player.lengthMs > 0 ? player.atMs / player.lengthMs : 0;
  const seekAt = (event: PointerEvent<HTMLElement>) => {
    const { left, right, width } = event.currentTarget.getBoundingClientRect();
    const isRtl = document.documentElement.dir === "rtl";
    player.seek((isRtl ? right - event.clientX : event.clientX - left) / width);
  };
  const step = (event: KeyboardEvent) => {
    const isRtl = document.documentElement.dir === "rtl";
    const by = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1, ArrowUp: 1, ArrowDown: -1 }[
      event.key
    ];
    if (by === undefined || player.lengthMs === 0) return;
    event.preventDefault();
    event.stopPropagation();
    player.seek(part + (by * STEP_S * 1000) / player.lengthMs);
  };
  return (
    <div
      className="waves"
      role="slider"
      tabIndex={0}
      aria-label={t("voice.place")}
      aria-valuemin={0}
      aria-valuemax={Math.round(player.lengthMs / 1000)}
      aria-valuenow={Math.round(player.atMs / 1000)}
      aria-valuetext={lengthOf(player.atMs, language.tag)}
      onPointerDown={seekAt}
      onKeyDown={step}
    >
      {bars.map((bar, at) => (
        <i
          // biome-ignore lint/suspicious/noArrayIndexKey: bars are what stands at their places.
          key={at}
          className={at / BARS < part ? "wave-heard" : undefined}
          style={{ blockSize: `${bar * 100}%` }}
        />
      ))}
    </div>
  );
}
