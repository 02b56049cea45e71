/**
 * A carrier takes lanes and datagrams to the server and back: WebTransport's streams, or a mux over one
 * WebSocket. What is said on a lane is none of its business.
 */

/** Who hears a lane. */
export interface LaneSink {
  /** Bytes, in order. The server may send more once what this returns is settled. */
  data(bytes: Uint8Array): void | Promise<void>;
  /** Everything was said. */
  end(): void;
  /** The other side gives up the lane, or the carrier has ended. */
  reset(code: number): void;
  /** The other side wants no more of what is sent; what it says may still come. */
  stopped?(): void;
}

/** The sending end of a lane that this side opened. */
export interface Lane {
  /** Sends bytes. Settles once they have gone on; never fails: a lane that breaks tells its sink. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything was said. */
  end(): void;
  /** Neither to be sent nor to be heard any further. */
  cancel(code: number): void;
}

/** Who hears a carrier. */
export interface CarrierSink {
  /** Bytes of the event lane. */
  events(bytes: Uint8Array): void;
  /** The event lane has ended or broken: the connection is of no use. */
  eventsLost(): void;
  /** A datagram. */
  datagram(bytes: Uint8Array): void;
}

/** How a carrier ended. */
export type CarrierEnd =
  /** One of the sides closed it, with a close code. */
  | { type: "closed"; code: number; reason: string }
  /** The path or the server is gone. */
  | { type: "lost" };

/** The kinds of carriers. */
export type CarrierName = "webtransport" | "websocket";

/** One connection's carrier. */
export interface Carrier {
  readonly name: CarrierName;
  /** How it ended. Never fails. */
  readonly closed: Promise<CarrierEnd>;
  /** Begins to tell what comes. What came before is kept until then. */
  start(sink: CarrierSink): void;
  /** Opens a bidirectional lane; the first one is the control lane. It may wait for the server's leave. */
  openLane(sink: LaneSink): Lane;
  /** Sends a datagram, if it can be sent. */
  sendDatagram(bytes: Uint8Array): void;
  /** Ends it. */
  close(code: number, reason: string): void;
}

/** What a lane is reset with that nobody wants any more. */
export const LANE_CANCELLED = 0;
