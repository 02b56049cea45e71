/** The carrier over a WebSocket: a mux between it and the lanes. */

import { MUX_MESSAGE_BYTES_MAX, SOCKET_BUFFERED_MAX } from "../limits.js";
import type { Carrier, CarrierEnd, CarrierSink, Lane, LaneSink } from "./carrier.js";
import { LANE_CANCELLED } from "./carrier.js";
import { MUX_BROKEN, Mux, type MuxEvent, type MuxLane } from "./mux.js";

/** What is used of a WebSocket: the browser's, or another of the same shape (`ws` in Node). */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown } & never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** Makes one. */
export type SocketConstructor = new (url: string) => Socket;

/** A browser doesn't say when its buffer has room again: it is looked at this often. */
const LOOK_AGAIN_MS = 10;
const OPEN = 1;
const NORMAL = 1000;

/** Connects to a server's WebSocket. Fails when there is no connection. */
export function dialWebSocket(make: SocketConstructor, url: string, signal: AbortSignal): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const socket = new make(url);
    socket.binaryType = "arraybuffer";
    const fail = () => {
      reject(new Error("no WebSocket connection"));
      socket.close();
    };
    signal.addEventListener("abort", fail, { once: true });
    socket.onerror = fail;
    socket.onclose = fail;
    socket.onopen = () => {
      signal.removeEventListener("abort", fail);
      resolve(new WebSocketCarrier(socket));
    };
  });
}

class WebSocketCarrier implements Carrier {
  readonly #socket: Socket;
  readonly name = "websocket";
  readonly closed: Promise<CarrierEnd>;
  readonly #mux = new Mux();
  readonly #sinks = new Map<MuxLane, LaneSink>();
  readonly #writers = new Map<MuxLane, (() => void)[]>();
  #sink: CarrierSink | undefined;
  #lookAgain: ReturnType<typeof setTimeout> | undefined;
  #finish!: (end: CarrierEnd) => void;
  #isOver = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      this.#finish = resolve;
    });
    socket.onmessage = ((event: { data: unknown }) => this.#handleMessage(event.data)) as never;
    // What went wrong is told by the close behind it.
    socket.onerror = () => undefined;
    socket.onclose = () => this.#end({ type: "lost" });
  }

  start(sink: CarrierSink): void {
    this.#sink = sink;
    this.#tellAll();
  }

  openLane(sink: LaneSink): Lane {
    const lane = this.#mux.open();
    this.#sinks.set(lane, sink);
    return {
      write: (bytes) => this.#write(lane, bytes),
      end: () => {
        this.#mux.end(lane);
        this.#pump();
      },
      cancel: (code) => this.#cancel(lane, code),
    };
  }

  sendDatagram(bytes: Uint8Array): void {
    this.#mux.sendDatagram(bytes);
    this.#pump();
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#mux.close(code, reason);
    for (let message = this.#mux.takeMessage(); message; message = this.#mux.takeMessage())
      this.#hand(message);
    this.#end({ type: "closed", code, reason });
  }

  #write(lane: MuxLane, bytes: Uint8Array): Promise<void> {
    this.#mux.send(lane, bytes);
    this.#pump();
    if (lane.queued === 0 || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#writers.set(lane, [...(this.#writers.get(lane) ?? []), resolve]);
    });
  }

  #cancel(lane: MuxLane, code: number): void {
    this.#mux.stop(lane, code);
    this.#mux.reset(lane, code);
    this.#sinks.delete(lane);
    this.#release(lane);
    this.#pump();
  }

  #handleMessage(data: unknown): void {
    if (this.#isOver) return;
    if (!(data instanceof ArrayBuffer) || data.byteLength > MUX_MESSAGE_BYTES_MAX) {
      this.close(MUX_BROKEN, "");
      return;
    }
    try {
      this.#mux.handleMessage(new Uint8Array(data));
    } catch {
      this.close(MUX_BROKEN, "");
      return;
    }
    this.#tellAll();
    this.#pump();
  }

  #tellAll(): void {
    if (this.#sink === undefined) return;
    for (const event of this.#mux.takeEvents()) this.#tell(event, this.#sink);
  }

  #tell(event: MuxEvent, sink: CarrierSink): void {
    if (event.type === "datagram") sink.datagram(event.bytes);
    else if (event.type === "closed") this.#end({ type: "closed", code: event.code, reason: event.reason });
    else if (event.type === "opened") this.#handleOpened(event.lane, sink);
    else if (event.type === "data") this.#handleData(event.lane, event.bytes);
    else this.#handleLast(event);
  }

  #handleLast(event: Extract<MuxEvent, { type: "ended" | "reset" | "stopped" }>): void {
    const heard = this.#sinks.get(event.lane);
    if (event.type === "ended") heard?.end();
    else if (event.type === "reset") heard?.reset(event.code);
    else {
      this.#release(event.lane);
      heard?.stopped?.();
      return;
    }
    this.#sinks.delete(event.lane);
  }

  /** The server's first lane is the event lane. Of others this version knows nothing. */
  #handleOpened(lane: MuxLane, sink: CarrierSink): void {
    if (lane.id !== 1) {
      this.#mux.stop(lane, LANE_CANCELLED);
      return;
    }
    const eventsLost = () => sink.eventsLost();
    this.#sinks.set(lane, { data: (bytes) => sink.events(bytes), end: eventsLost, reset: eventsLost });
  }

  #handleData(lane: MuxLane, bytes: Uint8Array): void {
    const used = this.#sinks.get(lane)?.data(bytes);
    const isRead = () => {
      this.#mux.read(lane, bytes.length);
      this.#pump();
    };
    if (used === undefined) isRead();
    else used.then(isRead, isRead);
  }

  /** Hands on what may be sent, as long as the socket's own buffer has room. */
  #pump(): void {
    if (this.#isOver || this.#lookAgain !== undefined) return;
    while (this.#socket.bufferedAmount < SOCKET_BUFFERED_MAX) {
      const message = this.#mux.takeMessage();
      if (message === undefined) {
        this.#releaseDone();
        return;
      }
      this.#hand(message);
    }
    this.#releaseDone();
    this.#lookAgain = setTimeout(() => {
      this.#lookAgain = undefined;
      this.#pump();
    }, LOOK_AGAIN_MS);
  }

  #hand(message: Uint8Array): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(message);
  }

  #releaseDone(): void {
    for (const lane of this.#writers.keys()) if (lane.queued === 0) this.#release(lane);
  }

  #release(lane: MuxLane): void {
    const writers = this.#writers.get(lane) ?? [];
    this.#writers.delete(lane);
    for (const done of writers) done();
  }

  #end(end: CarrierEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#lookAgain);
    this.#socket.close(NORMAL);
    this.#finish(end);
    const code = end.type === "closed" ? end.code : LANE_CANCELLED;
    for (const lane of this.#writers.keys()) this.#release(lane);
    for (const sink of this.#sinks.values()) sink.reset(code);
    this.#sinks.clear();
  }
}
