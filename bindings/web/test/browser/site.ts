// A site with the client on it, and a browser that looks at it.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";

const HERE = import.meta.dirname;

async function bundle(name: string): Promise<string> {
  const options = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", write: false } as const;
  const built = await build({ ...options, entryPoints: [join(HERE, name)], outdir: HERE });
  return built.outputFiles[0]?.text ?? "";
}

/** A site on a free port of localhost. */
export class Site {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Site> {
    const files = new Map([
      ["/", "<!doctype html><title>Parlour</title><script type=module src=/page.js></script>"],
      ["/react", "<!doctype html><title>Parlour</title><body><script type=module src=/react.js></script>"],
      ["/react.js", await bundle("react-page.tsx")],
      ["/page.js", await bundle("page.ts")],
      ["/worker.js", await bundle("worker.ts")],
    ]);
    const server = createServer((request, response) => {
      const file = files.get(request.url?.split("?")[0] ?? "");
      const type = request.url?.endsWith(".js") ? "text/javascript" : "text/html";
      response.writeHead(file === undefined ? 404 : 200, { "content-type": type }).end(file);
    });
    server.listen(0, "localhost");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    return new Site(server, `http://localhost:${address.port}/`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}

/** The browser that `CHROMIUM_BIN` names. */
export async function browse(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_BIN;
  if (!executablePath) throw new Error("CHROMIUM_BIN names no browser to test with");
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}
