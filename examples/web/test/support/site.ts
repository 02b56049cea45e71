/** The built app as a server serves it: static files under a strict policy, and `/parlour` at the same origin. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Duplex } from "node:stream";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

const ENDPOINTS = "/parlour/v1/endpoints";
/** What the server answers itself. */
const OF_SERVER = /^\/(parlour\/|readyz$|metrics$)/;

/** What the app needs, and nothing else. `https:` and `wss:` of the same host are WebTransport and WebSocket. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "connect-src 'self' ws: wss: https:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What a site is besides. */
export interface SiteOptions {
  readonly port?: number;
  /** An identity provider that pages may ask. */
  readonly provider?: string;
}

/** A site on a free port of localhost. */
export class Site {
  /** Pages are told to connect to this UDP port instead of the server's: a `UdpPath`. */
  udpPort: number | undefined;

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Duplex>,
    readonly url: string,
  ) {}

  /** Serves a folder, and sends `/parlour` on to a port. */
  static async start(folder: string, backendPort: number, options: SiteOptions = {}): Promise<Site> {
    const { port = 0, provider = "" } = options;
    const policy = POLICY.replace("connect-src", `connect-src ${provider}`);
    const sockets = new Set<Duplex>();
    const server = createServer((incoming, response) => {
      if (incoming.url === ENDPOINTS && site.udpPort) void tell(response, backendPort, site.udpPort);
      else if (incoming.url && OF_SERVER.test(incoming.url)) forward(incoming, response, backendPort);
      else serve(folder, incoming.url ?? "/", policy, response);
    });
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      upgrade(incoming, socket, head, backendPort);
    });
    server.listen(port, "localhost");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    const site = new Site(server, sockets, `http://localhost:${address.port}/`);
    return site;
  }

  /** Nobody answers any more, until `resume`. */
  async pause(): Promise<void> {
    await this.stop();
  }

  async resume(): Promise<void> {
    this.server.listen(Number(new URL(this.url).port), "localhost");
    await once(this.server, "listening");
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

/** The server's document, with another port. */
async function tell(response: ServerResponse, port: number, udpPort: number): Promise<void> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${ENDPOINTS}`);
    const said = (await answer.json()) as { webtransport: object };
    const webtransport = { ...said.webtransport, port: udpPort };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...said, webtransport }));
  } catch {
    response.writeHead(502).end();
  }
}

function serve(folder: string, url: string, policy: string, response: ServerResponse): void {
  const path = normalize(decodeURIComponent(url.split(/[?#]/)[0] ?? "/"));
  const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
  try {
    const bytes = readFileSync(file);
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-security-policy": policy }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { url = "/", method = "GET", headers } = incoming;
  // A connection for each: one that was kept may be closed by the server in the moment it is used again.
  const onward = request({ host: "127.0.0.1", port, path: url, method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  incoming.pipe(onward);
}

function upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, port: number): void {
  const backend = connect(port, "127.0.0.1", () => {
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
      lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
    }
    backend.write(`${lines.join("\r\n")}\r\n\r\n`);
    backend.write(head);
    backend.pipe(socket).pipe(backend);
  });
  backend.on("error", () => socket.destroy());
  socket.on("error", () => backend.destroy());
}
