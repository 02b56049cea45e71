import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Carrier } from "./carrier.js";
import { Directory } from "./endpoints.js";
import { type Dial, isWebKit, line, race } from "./race.js";

function carrier(name: "webtransport" | "websocket"): Carrier {
  return { name, close: vi.fn() } as unknown as Carrier;
}

const arriving =
  (ms: number, made: Carrier | Error): Dial =>
  () =>
    new Promise((resolve, reject) => {
      setTimeout(() => (made instanceof Error ? reject(made) : resolve(made)), ms);
    });

const never = new AbortController().signal;

describe("a race", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is won by the first without a second, where it is quick", async () => {
    const second = vi.fn(arriving(1, carrier("websocket")));
    const won = race([arriving(700, carrier("webtransport")), second], 800, never);
    await vi.advanceTimersByTimeAsync(2000);
    expect((await won).name).toBe("webtransport");
    expect(second).not.toHaveBeenCalled();
  });

  it("is won by the second where the first takes long, and the late one is closed", async () => {
    const late = carrier("webtransport");
    const won = race([arriving(5000, late), arriving(100, carrier("websocket"))], 800, never);
    await vi.advanceTimersByTimeAsync(900);
    expect((await won).name).toBe("websocket");
    await vi.advanceTimersByTimeAsync(5000);
    expect(late.close).toHaveBeenCalled();
  });

  it("starts the second at once where the first fails", async () => {
    const won = race([arriving(10, new Error("refused")), arriving(100, carrier("websocket"))], 800, never);
    await vi.advanceTimersByTimeAsync(110);
    expect((await won).name).toBe("websocket");
  });

  it("is lost where all fail", async () => {
    const lost = race([arriving(10, new Error("one")), arriving(20, new Error("other"))], 800, never);
    const rejected = expect(lost).rejects.toThrow("no carrier");
    await vi.advanceTimersByTimeAsync(2000);
    await rejected;
  });
});

describe("the endpoints", () => {
  const document = { webtransport: { port: 4433, certificate_hashes: ["AQI="] }, websocket: { path: "/ws" } };
  const server = () => vi.fn(async () => new Response(JSON.stringify(document)));
  const memory = () => {
    const kept = new Map<string, string>();
    return {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, text: string) => void kept.set(key, text),
    };
  };

  it("are on the host that the document was read from", async () => {
    const endpoints = await new Directory("http://localhost:8080", undefined, server()).endpoints();
    expect(endpoints).toEqual({
      webtransport: { url: "https://localhost:4433/parlour/v1/wt", certificateHashes: [Uint8Array.of(1, 2)] },
      websocket: { url: "ws://localhost:8080/ws" },
    });
  });

  it("of the last visit are there at once", async () => {
    const kept = memory();
    await new Directory("https://chat.example", kept, server()).endpoints();
    const silent = vi.fn(() => new Promise<Response>(() => undefined));
    const endpoints = await new Directory("https://chat.example", kept, silent).endpoints();
    expect(endpoints.websocket.url).toBe("wss://chat.example/ws");
  });

  it("of a server that can't be asked are a WebSocket at the usual place", async () => {
    const broken = vi.fn(() => Promise.reject(new Error("offline")));
    const endpoints = await new Directory("https://chat.example", undefined, broken).endpoints();
    expect(endpoints).toEqual({ websocket: { url: "wss://chat.example/parlour/v1/ws" } });
  });

  it("are lined up with the last winner first, for a day", () => {
    const directory = new Directory("https://chat.example", memory(), server());
    directory.remember("websocket", 1000);
    expect(directory.winner(2000)).toBe("websocket");
    expect(directory.winner(1000 + 25 * 3600 * 1000)).toBeUndefined();
  });

  it("have no WebTransport for engines of WebKit", () => {
    expect(
      isWebKit(
        "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
      ),
    ).toBe(true);
    expect(
      isWebKit("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"),
    ).toBe(false);
    const endpoints = {
      webtransport: { url: "https://a", certificateHashes: [] },
      websocket: { url: "wss://a" },
    };
    expect(line(endpoints, { webSocket: undefined, hasWebTransport: false }, undefined)).toHaveLength(0);
    expect(line(endpoints, { webSocket: undefined, hasWebTransport: true }, undefined)).toHaveLength(1);
  });
});
