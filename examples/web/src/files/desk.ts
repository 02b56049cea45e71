/**
 * Files on their way up, and messages that wait for theirs. What is chosen goes up at once, while the user still
 * writes; a message that is sent meanwhile stands in the timeline and follows its last file.
 */

import type { Attachment, Draft } from "@parlour/client";

/** How far a file got. */
export type UploadState =
  | { readonly is: "going"; readonly bytes: number }
  | { readonly is: "done"; readonly attachment: Attachment }
  | { readonly is: "failed"; readonly error: unknown };

/** A file that was chosen. Another object when its state is another. */
export interface Upload {
  readonly key: string;
  readonly file: File;
  readonly isVoice: boolean;
  readonly state: UploadState;
}

/** A message that was sent before its files were up. */
export interface Leaving {
  readonly key: string;
  readonly draft: Draft;
  readonly atMs: number;
  readonly uploads: readonly Upload[];
  /** Why it couldn't be written down, though its files are up. */
  readonly error: unknown;
}

/** What lies there. */
export interface DeskState {
  readonly tray: readonly Upload[];
  readonly leaving: readonly Leaving[];
}

/** What the desk does with the world. */
export interface DeskParts {
  upload(
    file: File,
    options: { signal: AbortSignal; isVoice: boolean; onProgress: (bytes: number) => void },
  ): Promise<Attachment>;
  /** Writes a message down; settles when it stands in the timeline. */
  send(draft: Draft): Promise<void>;
  now(): number;
  key(): string;
}

/** Files of one message. */
export const FILES_MAX = 50;

const EMPTY: DeskState = { tray: [], leaving: [] };

/** The desk of one conversation. */
export class Desk {
  private state = EMPTY;
  private readonly listeners = new Set<() => void>();
  private readonly underWay = new Map<string, AbortController>();
  private readonly handedOver = new Set<string>();

  constructor(private readonly parts: DeskParts) {}

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.listeners.add(onChange);
    return () => this.listeners.delete(onChange);
  };

  get current(): DeskState {
    return this.state;
  }

  /** Whether something would be lost if the page went. */
  get isBusy(): boolean {
    return this.underWay.size > 0 || this.state.leaving.length > 0;
  }

  /** Sends a file as a message of its own, as what is spoken is. */
  sendAlone(file: File, draft: Draft): void {
    const upload: Upload = { key: this.parts.key(), file, isVoice: true, state: { is: "going", bytes: 0 } };
    this.leave(draft, [upload]);
    this.start(upload);
  }

  /** Begins to send files up; those over the number that a message may have are left out, and counted. */
  add(files: readonly File[]): number {
    const taken = files.slice(0, Math.max(FILES_MAX - this.state.tray.length, 0));
    const uploads = taken.map((file): Upload => {
      return { key: this.parts.key(), file, isVoice: false, state: { is: "going", bytes: 0 } };
    });
    this.set({ ...this.state, tray: [...this.state.tray, ...uploads] });
    for (const upload of uploads) this.start(upload);
    return files.length - taken.length;
  }

  /** Takes a file out of the tray. */
  remove(key: string): void {
    this.stop(key);
    this.set({ ...this.state, tray: this.state.tray.filter((upload) => upload.key !== key) });
  }

  /** Sends a file up that failed, in the tray or of a message. */
  retry(key: string): void {
    const all = [...this.state.tray, ...this.state.leaving.flatMap(({ uploads }) => uploads)];
    const upload = all.find((it) => it.key === key);
    if (upload?.state.is !== "failed") return;
    this.change(key, { is: "going", bytes: 0 });
    this.start(upload);
  }

  /** Sends a message with all that is in the tray. */
  send(draft: Draft): void {
    const { tray } = this.state;
    this.set({ ...this.state, tray: [] });
    this.leave(draft, tray);
    this.settle();
  }

  /** Tries a message again that has failed: its files, or the message itself. */
  retryMessage(key: string): void {
    const message = this.state.leaving.find((it) => it.key === key);
    if (!message) return;
    this.replace({ ...message, error: undefined });
    for (const { key: upload } of message.uploads) this.retry(upload);
    this.settle();
  }

  /** Gives a message up that isn't sent yet. */
  discard(key: string): void {
    const message = this.state.leaving.find((it) => it.key === key);
    for (const upload of message?.uploads ?? []) this.stop(upload.key);
    this.drop(key);
  }

  private leave(draft: Draft, uploads: readonly Upload[]): void {
    const message = { key: this.parts.key(), draft, atMs: this.parts.now(), uploads, error: undefined };
    this.set({ ...this.state, leaving: [...this.state.leaving, message] });
  }

  private start({ key, file, isVoice }: Upload): void {
    const ended = new AbortController();
    const { signal } = ended;
    this.underWay.set(key, ended);
    const onProgress = (bytes: number) => {
      if (!signal.aborted) this.change(key, { is: "going", bytes });
    };
    const finish = (state: UploadState) => {
      if (signal.aborted) return;
      this.underWay.delete(key);
      this.change(key, state);
      this.settle();
    };
    this.parts.upload(file, { signal, isVoice, onProgress }).then(
      (attachment) => finish({ is: "done", attachment }),
      (error: unknown) => finish({ is: "failed", error }),
    );
  }

  private stop(key: string): void {
    this.underWay.get(key)?.abort();
    this.underWay.delete(key);
  }

  /** Hands over the messages whose files are up. */
  private settle(): void {
    for (const message of this.state.leaving) {
      const isReady = message.uploads.every(({ state }) => state.is === "done");
      if (!isReady || message.error !== undefined || this.handedOver.has(message.key)) continue;
      this.handedOver.add(message.key);
      this.parts
        .send({ ...message.draft, attachments: attachmentsOf(message.uploads) })
        .then(() => this.drop(message.key))
        .catch((error: unknown) => this.replace({ ...message, error: error ?? new Error() }))
        .finally(() => this.handedOver.delete(message.key));
    }
  }

  private change(key: string, state: UploadState): void {
    const changed = (uploads: readonly Upload[]) =>
      uploads.some((upload) => upload.key === key)
        ? uploads.map((upload) => (upload.key === key ? { ...upload, state } : upload))
        : uploads;
    this.set({
      tray: changed(this.state.tray),
      leaving: this.state.leaving.map((message) => ({ ...message, uploads: changed(message.uploads) })),
    });
  }

  private replace(message: Leaving): void {
    const leaving = this.state.leaving.map((it) => (it.key === message.key ? message : it));
    this.set({ ...this.state, leaving });
  }

  private drop(key: string): void {
    this.set({ ...this.state, leaving: this.state.leaving.filter((it) => it.key !== key) });
  }

  private set(state: DeskState): void {
    this.state = state;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The files of a tray that are up, each once: the same bytes are one file to the server. */
export function attachmentsOf(uploads: readonly Upload[]): Attachment[] {
  const byHash = new Map<string, Attachment>();
  for (const { state } of uploads)
    if (state.is === "done") byHash.set(state.attachment.hash, state.attachment);
  return [...byHash.values()];
}
