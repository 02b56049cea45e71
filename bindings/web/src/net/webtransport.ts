/** The carrier over WebTransport: the session's streams are the lanes, its datagrams the datagrams. */

import { DATAGRAM_BYTES_MAX } from "../limits.js";
import type { Carrier, CarrierEnd, CarrierSink, Lane, LaneSink } from "./carrier.js";
import { LANE_CANCELLED } from "./carrier.js";

/** Connects to a server's WebTransport. Fails when there is no session. */
export async function dialWebTransport(
  url: string,
  certificateHashes: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Carrier> {
  const options: WebTransportOptions = { congestionControl: "low-latency" };
  if (certificateHashes.length > 0) {
    options.serverCertificateHashes = certificateHashes.map((value) => ({
      algorithm: "sha-256",
      value: value as Uint8Array<ArrayBuffer>,
    }));
  }
  const session = new WebTransport(url, options);
  // Its end is told by `ready`, too; unheard it would be an unhandled rejection.
  session.closed.catch(() => undefined);
  const abort = () => session.close();
  signal.addEventListener("abort", abort, { once: true });
  await session.ready;
  signal.removeEventListener("abort", abort);
  return new WebTransportCarrier(session);
}

class WebTransportCarrier implements Carrier {
  readonly #session: WebTransport;
  readonly name = "webtransport";
  readonly closed: Promise<CarrierEnd>;
  /** Lanes are opened one after the other: the first must be the control lane. */
  #opening: Promise<unknown> = Promise.resolve();
  readonly #datagrams: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #own: CarrierEnd | undefined;

  constructor(session: WebTransport) {
    this.#session = session;
    this.closed = session.closed.then(
      ({ closeCode, reason }) => this.#own ?? { type: "closed", code: closeCode ?? 0, reason: reason ?? "" },
      () => this.#own ?? { type: "lost" },
    );
    this.#datagrams = datagramWriter(session);
  }

  start(sink: CarrierSink): void {
    void this.#hearEvents(sink);
    void hear(this.#session.datagrams.readable.getReader(), (bytes) => sink.datagram(bytes)).catch(
      () => undefined,
    );
  }

  openLane(sink: LaneSink): Lane {
    const opened = this.#opening.then(() => this.#session.createBidirectionalStream());
    this.#opening = opened.catch(() => undefined);
    return new StreamLane(opened, sink);
  }

  sendDatagram(bytes: Uint8Array): void {
    if (bytes.length <= DATAGRAM_BYTES_MAX) this.#datagrams?.write(bytes).catch(() => undefined);
  }

  close(code: number, reason: string): void {
    this.#own ??= { type: "closed", code, reason };
    try {
      this.#session.close({ closeCode: code, reason });
    } catch {
      // It is closed already.
    }
  }

  async #hearEvents(sink: CarrierSink): Promise<void> {
    try {
      const streams = this.#session.incomingUnidirectionalStreams.getReader();
      const { value: stream } = await streams.read();
      streams.releaseLock();
      if (stream !== undefined) await hear(stream.getReader(), (bytes) => sink.events(bytes));
    } catch {
      // It broke: told below like its end.
    }
    sink.eventsLost();
  }
}

/** One bidirectional stream, which may still be on its way to be opened. */
class StreamLane implements Lane {
  readonly #sink: LaneSink;
  #isCancelled = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #writer: Promise<WritableStreamDefaultWriter<Uint8Array> | undefined>;
  #written: Promise<unknown> = Promise.resolve();

  constructor(opened: Promise<WebTransportBidirectionalStream>, sink: LaneSink) {
    this.#sink = sink;
    this.#writer = opened.then(
      (stream) => this.#begin(stream),
      () => {
        this.#break(LANE_CANCELLED);
        return undefined;
      },
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    const before = this.#written;
    const done = before.then(async () => (await this.#writer)?.write(bytes));
    // What the server says may still come.
    this.#written = done.catch(() => this.#isCancelled || this.#sink.stopped?.());
    await this.#written;
  }

  end(): void {
    const before = this.#written;
    this.#written = before.then(async () => (await this.#writer)?.close()).catch(() => undefined);
  }

  cancel(code: number): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    if (this.#reader !== undefined) this.#abandon(code);
  }

  #begin(stream: WebTransportBidirectionalStream): WritableStreamDefaultWriter<Uint8Array> {
    this.#reader = (stream.readable as ReadableStream<Uint8Array>).getReader();
    const writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
    writer.closed.catch(() => undefined);
    if (this.#isCancelled) this.#abandon(LANE_CANCELLED);
    else void this.#read(this.#reader);
    return writer;
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    try {
      await hear(reader, (bytes) => (this.#isCancelled ? undefined : this.#sink.data(bytes)));
      if (!this.#isCancelled) this.#sink.end();
    } catch (error) {
      this.#break(codeOf(error));
    }
  }

  #break(code: number): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#sink.reset(code);
  }

  #abandon(code: number): void {
    const why = streamError(code);
    void this.#writer.then((writer) => writer?.abort(why)).catch(() => undefined);
    this.#reader?.cancel(why).catch(() => undefined);
  }
}

async function hear(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  use: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await use(value);
  }
}

function datagramWriter(session: WebTransport): WritableStreamDefaultWriter<Uint8Array> | undefined {
  // The newest browsers make a writable on demand; the others have one.
  const datagrams = session.datagrams as unknown as {
    writable?: WritableStream<Uint8Array>;
    createWritable?: () => WritableStream<Uint8Array>;
  };
  const writer = (datagrams.writable ?? datagrams.createWritable?.())?.getWriter();
  writer?.closed.catch(() => undefined);
  return writer;
}

/** What resets a stream with a code. The constructor was another before the standard was settled. */
function streamError(code: number): WebTransportError {
  const streamErrorCode = code;
  try {
    return new WebTransportError("", { source: "stream", streamErrorCode });
  } catch {
    const Before = WebTransportError as unknown as new (init: {
      streamErrorCode: number;
    }) => WebTransportError;
    return new Before({ streamErrorCode });
  }
}

function codeOf(error: unknown): number {
  const code = (error as { streamErrorCode?: number | null } | undefined)?.streamErrorCode;
  return code ?? LANE_CANCELLED;
}
