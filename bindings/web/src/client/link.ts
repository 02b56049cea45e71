/** One connection over its carrier: bytes between the two, bulk lanes on their own, and how it ended. */

import { FrameError } from "../codec/frame.js";
import { encode } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { Connection, closeCodeOf, type Introduction, type Output } from "../core/connection.js";
import { type Bulk, BulkLane, bulkRequest } from "../core/lanes.js";
import type { Request } from "../core/payload.js";
import type { End } from "../core/reconnect.js";
import { Reauth } from "../generated/rpc.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import { BULK_LANES_OPEN_MAX, CARRIER_ENDS_WITHIN_MS } from "../limits.js";
import { type Carrier, type CarrierEnd, LANE_CANCELLED, type Lane, type LaneSink } from "../net/carrier.js";
import { clock } from "./environment.js";

/** Ids of the link's own calls, which are none of the engine's. */
const OWN_CALLS_FROM = 2 ** 52;

/** Who owns a link. */
export interface LinkOwner {
  /** Something came, or may be sent: outputs wait. */
  changed(): void;
  /** Something a bulk lane says; `undefined` when it was cut off. */
  bulk(id: number, bulk: Bulk | undefined): void;
  /** It is over. */
  ended(link: Link, end: End): void;
}

/** One connection. */
export class Link {
  readonly #carrier: Carrier;
  readonly #owner: LinkOwner;
  readonly connection: Connection;
  readonly #control: Lane;
  readonly #bulks = new Map<number, Lane>();
  #waiting: { id: number; request: Request }[] = [];
  #isOver = false;
  #ownCalls = OWN_CALLS_FROM;

  constructor(carrier: Carrier, introduction: Introduction, owner: LinkOwner) {
    this.#carrier = carrier;
    this.#owner = owner;
    this.connection = new Connection(introduction, clock());
    this.#control = carrier.openLane({
      data: (bytes) => this.#take(() => this.connection.handleControl(bytes, clock())),
      // Whether the server said why is told by the carrier's end, which comes with it.
      end: () => undefined,
      reset: () => undefined,
    });
    this.transmit();
    carrier.start({
      events: (bytes) => this.#take(() => this.connection.handleEvents(bytes, clock())),
      eventsLost: () => this.#handleEventsLost(),
      datagram: (bytes) => this.#take(() => this.connection.handleDatagram(bytes, clock())),
    });
    void carrier.closed.then((end) => this.#handleClosed(end));
  }

  /** Opens a lane for a file, which is its owner's to read and to write. */
  openBlob(sink: LaneSink): Lane {
    return this.#carrier.openLane(sink);
  }

  /** Which carrier it goes over. */
  get carrierName(): Carrier["name"] {
    return this.#carrier.name;
  }

  /** The server has said goodbye, or doesn't answer any more. */
  handleLast(output: Extract<Output, { type: "goodbye" | "lost" }>): void {
    if (output.type === "lost") return this.#fail(CloseCode.UNSPECIFIED, { type: "lost" });
    const { code, retryAfterMs } = output.goodbye;
    this.#fail(code, { type: "closed", code, retryAfterMs });
  }

  /** Sends what waits on the control lane. */
  transmit(): void {
    const bytes = this.connection.takeTransmit();
    if (bytes) void this.#control.write(bytes);
  }

  /** Replaces the connection's token. If the server doesn't take it, it says goodbye at the deadline. */
  reauth(token: string): void {
    this.#ownCalls += 1;
    this.connection.call(this.#ownCalls, Reauth.id, encode(Reauth.request, { token }), 0);
    this.transmit();
  }

  /** Sends a datagram, if it can be sent. */
  sendDatagram(bytes: Uint8Array): void {
    this.#carrier.sendDatagram(bytes);
  }

  /** Ends it; its owner isn't told. */
  close(code: number): void {
    this.#isOver = true;
    this.#carrier.close(code, "");
  }

  // Bulk lanes.

  /** Opens a bulk lane, now or when there are fewer. */
  openBulk(id: number, request: Request): void {
    if (this.#bulks.size >= BULK_LANES_OPEN_MAX) {
      this.#waiting.push({ id, request });
      return;
    }
    const decoder = new BulkLane();
    const lane = this.#carrier.openLane({
      data: (bytes) => {
        decoder.push(bytes);
        this.#readBulk(id, decoder);
      },
      end: () => this.#endBulk(id, decoder.isComplete),
      reset: () => this.#endBulk(id, decoder.isComplete),
    });
    this.#bulks.set(id, lane);
    void lane.write(bulkRequest(request.method, request.body));
    lane.end();
  }

  /** Gives up a bulk lane. */
  cancelBulk(id: number): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.id !== id);
    const lane = this.#bulks.get(id);
    lane?.cancel(LANE_CANCELLED);
    if (this.#bulks.delete(id)) this.#openWaiting();
  }

  #readBulk(id: number, decoder: BulkLane): void {
    if (this.#isOver || !this.#bulks.has(id)) return;
    try {
      for (let bulk = decoder.nextBulk(); bulk; bulk = decoder.nextBulk()) this.#owner.bulk(id, bulk);
    } catch (error) {
      if (!isOfPeer(error)) throw error;
      this.#bulks.get(id)?.cancel(LANE_CANCELLED);
      this.#endBulk(id, false);
    }
  }

  /** A lane that ends without having said everything was cut off. */
  #endBulk(id: number, isComplete: boolean): void {
    if (!this.#bulks.delete(id) || this.#isOver) return;
    if (!isComplete) this.#owner.bulk(id, undefined);
    this.#openWaiting();
  }

  #openWaiting(): void {
    const next = this.#isOver ? undefined : this.#waiting.shift();
    if (next) this.openBulk(next.id, next.request);
  }

  // Its end.

  #take(read: () => void): void {
    if (this.#isOver) return;
    try {
      read();
    } catch (error) {
      if (!isOfPeer(error) && closeCodeOf(error) === CloseCode.MALFORMED_FRAME) throw error;
      const code = closeCodeOf(error);
      this.#fail(code, { type: "closed", code, retryAfterMs: 0 });
    }
    this.#owner.changed();
  }

  /** Mostly the carrier has ended, too: what that says, which may be a code, goes over the loss of a lane. */
  #handleEventsLost(): void {
    setTimeout(() => this.#fail(CloseCode.UNSPECIFIED, { type: "lost" }), CARRIER_ENDS_WITHIN_MS);
  }

  #handleClosed(end: CarrierEnd): void {
    if (end.type === "closed") this.#finish({ type: "closed", code: end.code, retryAfterMs: 0 });
    else this.#finish({ type: "lost" });
  }

  #fail(code: number, end: End): void {
    if (this.#isOver) return;
    // First: what the carrier says of its end is only that this side has ended it.
    this.close(code);
    this.#owner.ended(this, end);
  }

  #finish(end: End): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.ended(this, end);
  }
}

/** Whether an error is about what the server sent, and not a bug of this client. */
function isOfPeer(error: unknown): boolean {
  return error instanceof Malformed || error instanceof FrameError;
}
