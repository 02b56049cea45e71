/** What is spoken, as a file, and how loud it is meanwhile. */

import { withDuration } from "./webm.ts";

/** What browsers record, the smallest and most widely played first. */
const KINDS = [
  { type: "audio/ogg;codecs=opus", ending: "ogg" },
  { type: "audio/webm;codecs=opus", ending: "webm" },
  { type: "audio/mp4", ending: "m4a" },
];
const BITS_PER_SECOND = 32_000;

/** Whether the browser can record at all. */
export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined" && navigator.mediaDevices?.getUserMedia !== undefined;
}

/** A recording under way. */
export class Recorder {
  private readonly pieces: Blob[] = [];
  private readonly beganMs = performance.now();
  private readonly samples: Uint8Array<ArrayBuffer>;

  private constructor(
    private readonly stream: MediaStream,
    private readonly media: MediaRecorder,
    private readonly audio: AudioContext,
    private readonly analyser: AnalyserNode,
    private readonly ending: string,
  ) {
    this.samples = new Uint8Array(analyser.fftSize);
    media.addEventListener("dataavailable", ({ data }) => void this.pieces.push(data));
    media.start(1000);
  }

  /** Asks for the microphone and begins. Fails with a `DOMException` where there is none, or it isn't allowed. */
  static async start(): Promise<Recorder> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    const kind = KINDS.find(({ type }) => MediaRecorder.isTypeSupported(type));
    const options = kind ? { mimeType: kind.type, audioBitsPerSecond: BITS_PER_SECOND } : {};
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 1024;
    audio.createMediaStreamSource(stream).connect(analyser);
    return new Recorder(stream, new MediaRecorder(stream, options), audio, analyser, kind?.ending ?? "audio");
  }

  get elapsedMs(): number {
    return performance.now() - this.beganMs;
  }

  /** How loud it is just now, from 0 to 1. */
  get level(): number {
    this.analyser.getByteTimeDomainData(this.samples);
    const loudest = this.samples.reduce((most, sample) => Math.max(most, Math.abs(sample - 128)), 0);
    return Math.min((loudest / 128) ** 0.6, 1);
  }

  /** Ends it; what was spoken. */
  async stop(): Promise<File> {
    const lengthMs = this.elapsedMs;
    const isOver = new Promise((resolve) => this.media.addEventListener("stop", resolve, { once: true }));
    this.media.stop();
    await isOver;
    this.release();
    const type = this.media.mimeType;
    const spoken = await withDuration(new Blob(this.pieces, { type }), lengthMs);
    return new File([spoken], `voice.${this.ending}`, { type });
  }

  /** Ends it without a trace. */
  cancel(): void {
    if (this.media.state !== "inactive") this.media.stop();
    this.release();
  }

  private release(): void {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.audio.state !== "closed") void this.audio.close();
  }
}
