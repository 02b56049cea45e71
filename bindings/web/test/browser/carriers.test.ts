// The client in a real browser against a real server, over both carriers.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/server.js";
import { browse, Site } from "./site.js";

let server: TestServer;
let site: Site;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  server = await TestServer.start("[::]");
  site = await Site.start();
  browser = await browse();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await server?.stop();
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
});

async function open(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => "parlour" in globalThis, undefined, { timeout: 5000 });
  return page;
}

const options = (subject: string) => ({ url: server.url, token: server.token(subject) });

describe.each(["webtransport", "websocket"] as const)("over %s", (carrier) => {
  it("a client sends, and reads what it sent", async () => {
    const page = await open();
    const seen = await page.evaluate(
      async ({ options, carrier }) => {
        if (carrier === "websocket") Reflect.deleteProperty(globalThis, "WebTransport");
        const client = await parlour.Client.connect(options);
        const room = await client.createGroup("browser");
        const timeline = await room.timeline();
        const texts = Array.from({ length: 120 }, (_, n) => `message ${n}`);
        await Promise.all(texts.map((text) => room.send(text)));
        room.typing();
        const other = await parlour.Client.connect(options);
        const later = await other.room(room.id).timeline();
        while (later.items.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        while (await later.loadOlder());
        const read = later.items.flatMap((item) => (item.type === "message" ? [item.text] : []));
        const state = client.state.current;
        await other.disconnect();
        await client.disconnect();
        return {
          state,
          shown: timeline.items.length,
          isSame: JSON.stringify(read) === JSON.stringify(texts),
        };
      },
      { options: options(`${carrier}-user`), carrier },
    );
    expect(seen.state).toMatchObject({ type: "live", carrier });
    expect(seen.isSame).toBe(true);
    expect(seen.shown).toBeGreaterThanOrEqual(120);
  });

  it("files go up and come down", async () => {
    const page = await open();
    const isSame = await page.evaluate(
      async ({ options, carrier }) => {
        if (carrier === "websocket") Reflect.deleteProperty(globalThis, "WebTransport");
        const client = await parlour.Client.connect(options);
        const room = await client.createGroup("files");
        const bytes = new Uint8Array(3_000_000).map((_, at) => (at * at) >> 7);
        const attachment = await parlour.upload(client, new File([bytes], "a.bin"));
        const { seq } = await room.send({ attachments: [attachment] });
        const blob = await parlour.download(client, { room: room.id, seq }, attachment);
        const came = new Uint8Array(await blob.arrayBuffer());
        await client.disconnect();
        return (
          attachment.name === "a.bin" &&
          came.length === bytes.length &&
          came.every((b, at) => b === bytes[at])
        );
      },
      { options: options(`${carrier}-user`), carrier },
    );
    expect(isSame).toBe(true);
  });

  it("what is given up in the middle takes nothing else with it", async () => {
    const page = await open();
    const seen = await page.evaluate(
      async ({ options, carrier }) => {
        if (carrier === "websocket") Reflect.deleteProperty(globalThis, "WebTransport");
        const client = await parlour.Client.connect(options);
        const room = await client.createGroup("given up");
        const bytes = new Uint8Array(8_000_000).map((_, at) => (at * at) >> 9);
        const given = new AbortController();
        const onProgress = (at: number) => at > 1_000_000 && given.abort(new Error("enough"));
        const failed = parlour.upload(client, bytes, { signal: given.signal, onProgress });
        const why = await failed.catch((error: Error) => error.message);
        const attachment = await parlour.upload(client, bytes);
        const { seq } = await room.send({ attachments: [attachment] });
        const stopped = new AbortController();
        const message = { room: room.id, seq };
        const download = parlour.download(client, message, attachment, {
          signal: stopped.signal,
          onProgress: (at) => at > 1_000_000 && stopped.abort(new Error("stop")),
        });
        const whyNot = await download.catch((error: Error) => error.message);
        const blob = await parlour.download(client, message, attachment);
        const state = client.state.current;
        await client.disconnect();
        return { why, whyNot, size: blob.size, state };
      },
      { options: options(`${carrier}-user`), carrier },
    );
    expect(seen).toEqual({
      why: "enough",
      whyNot: "stop",
      size: 8_000_000,
      state: expect.objectContaining({ type: "live", carrier }),
    });
  });

  it("a client finds its way back to a server that was killed", async () => {
    const page = await open();
    await page.evaluate(
      async ({ options, carrier }) => {
        if (carrier === "websocket") Reflect.deleteProperty(globalThis, "WebTransport");
        const client = await parlour.Client.connect(options);
        const room = await client.createGroup("browser");
        Object.assign(globalThis, { client, room });
      },
      { options: options(`${carrier}-user`), carrier },
    );
    await server.kill();
    const sent = page.evaluate("room.send('while it is away')");
    await server.run();
    expect(await sent).toMatchObject({ seq: 2 });
    expect(await page.evaluate("client.state.current")).toMatchObject({ type: "live", carrier });
  });

  it("a token that is refused stops the client", async () => {
    const page = await open();
    const error = await page.evaluate(
      async ({ url, carrier }) => {
        if (carrier === "websocket") Reflect.deleteProperty(globalThis, "WebTransport");
        const refused = await parlour.Client.connect({ url, token: "none" }).catch((error) => error);
        return { kind: refused.kind, stop: refused.stop };
      },
      { url: server.url, carrier },
    );
    expect(error).toEqual({ kind: "stopped", stop: { why: "token-refused", code: "TOKEN_INVALID" } });
  });
});

describe("a page", () => {
  it("that is loaded anew sends what the one before it couldn't", async () => {
    const made = await (await open()).evaluate(async (options) => {
      const client = await parlour.Client.connect(options);
      const room = await client.createGroup("reload");
      await client.disconnect();
      return room.id;
    }, options("reload"));
    const page = await open();
    const start = async ({ options, room }: { options: { url: string; token: string }; room: string }) => {
      const cache = await parlour.IndexedDbCache.open("reload");
      const client = await parlour.Client.start({ ...options, cache });
      Object.assign(globalThis, { client, room: client.room(room as never) });
    };
    const given = { options: options("reload"), room: made };
    await page.evaluate(start, given);
    await page.evaluate("client.synced()");
    await server.kill();
    await page.evaluate("room.queue('kept').then((queued) => queued.clientRef)");
    await page.reload();
    await page.waitForFunction(() => "parlour" in globalThis, undefined, { timeout: 5000 });
    await page.evaluate(start, given);
    expect(await page.evaluate("client.rooms.items.map((room) => room.name)")).toEqual(["reload"]);
    expect(await page.evaluate("client.unsent")).toBe(1);
    await server.run();
    await page.waitForFunction("client.unsent === 0");
    const texts = await page.evaluate(
      "room.timeline().then((timeline) => timeline.items.filter((item) => item.type === 'message').map((item) => item.text))",
    );
    expect(texts).toEqual(["kept"]);
  });

  it("that is put away leaves the server, and is back when it is shown again", async () => {
    const page = await open();
    await page.evaluate(async (options) => {
      const client = await parlour.Client.connect(options);
      Object.assign(globalThis, { client, room: await client.createGroup("away") });
    }, options("away"));
    await page.evaluate("dispatchEvent(new Event('pagehide'))");
    expect(await page.evaluate("client.state.current.type")).not.toBe("live");
    const sent = page.evaluate("room.send('while it is away')");
    await page.evaluate("dispatchEvent(new Event('pageshow'))");
    expect(await sent).toMatchObject({ seq: 2 });
  });

  it("has its cache for itself", async () => {
    const first = await open();
    await first.evaluate(
      "parlour.IndexedDbCache.open('mine').then((cache) => { globalThis.cache = cache; })",
    );
    const second = await open();
    const opened = "parlour.IndexedDbCache.open('mine').then(() => 'opened', (error) => error.kind)";
    expect(await second.evaluate(opened)).toBe("cache-in-use");
    await first.evaluate("cache.close()");
    expect(await second.evaluate(opened)).toBe("opened");
  });

  it("may leave the client to a worker", async () => {
    const page = await open();
    const seen = await page.evaluate(
      (options) =>
        new Promise((resolve) => {
          const worker = new Worker("/worker.js", { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.postMessage(options);
        }),
      options("worker"),
    );
    expect(seen).toMatchObject({ seq: 2, state: { type: "live", carrier: "webtransport" } });
  });
});
