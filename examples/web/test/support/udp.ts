/** A way through the network for datagrams, which can be cut as a firewall would: nobody says that they are lost. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Datagrams to one port of localhost arrive at another one, and the answers come back. */
export class UdpPath {
  isBlocked = false;
  private readonly behind = new Map<number, Socket>();

  private constructor(
    private readonly front: Socket,
    private readonly serverPort: number,
  ) {
    front.on("message", (bytes, from) => {
      if (this.isBlocked) return;
      this.behindOf(from.port, from.address).send(bytes, this.serverPort, "::1");
    });
  }

  static async start(serverPort: number): Promise<UdpPath> {
    // Browsers look for `localhost` at either.
    const front = createSocket({ type: "udp6", ipv6Only: false });
    front.bind(0, "::");
    await once(front, "listening");
    return new UdpPath(front, serverPort);
  }

  get port(): number {
    return this.front.address().port;
  }

  stop(): void {
    for (const socket of [this.front, ...this.behind.values()]) socket.close();
  }

  /** The socket by which the server sees one client. */
  private behindOf(port: number, address: string): Socket {
    const known = this.behind.get(port);
    if (known) return known;
    const socket = createSocket("udp6");
    socket.on("message", (bytes) => {
      if (!this.isBlocked) this.front.send(bytes, port, address);
    });
    // Nobody is there: for a client that is the same as no answer.
    socket.on("error", () => undefined);
    this.behind.set(port, socket);
    return socket;
  }
}
