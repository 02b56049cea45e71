import type { Attachment, Draft } from "@parlour/client";
import { describe, expect, test } from "vitest";
import { attachmentsOf, Desk, FILES_MAX } from "./desk.ts";

function attachment(hash: string): Attachment {
  const nothing = { width: 0, height: 0, durationMs: 0, waveform: new Uint8Array(0) };
  const rest = { hasPreview: false, description: "", isVoice: false };
  return { hash, size: 1, name: hash, mediaType: "text/plain", ...nothing, ...rest };
}

/** A desk whose uploads end when the test says so. */
function setUp() {
  const going = new Map<string, { done: (it: Attachment) => void; fail: (why: unknown) => void }>();
  const sent: Draft[] = [];
  const world = { refuses: undefined as unknown, aborted: [] as string[] };
  let keys = 0;
  const desk = new Desk({
    upload: (file, { signal, onProgress }) =>
      new Promise((resolve, reject) => {
        onProgress(3);
        signal.addEventListener("abort", () => world.aborted.push(file.name));
        going.set(file.name, { done: resolve, fail: reject });
      }),
    send: async (draft) => {
      if (world.refuses) throw world.refuses;
      sent.push(draft);
    },
    now: () => 5,
    key: () => `key-${++keys}`,
  });
  const add = (...names: string[]) => desk.add(names.map((name) => new File(["abc"], name)));
  return { desk, going, sent, world, add };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the desk", () => {
  test("sends files up as they are chosen, and says how far they are", async () => {
    const { desk, going, add } = setUp();
    add("a", "b");
    expect(desk.current.tray.map(({ state }) => state)).toEqual([
      { is: "going", bytes: 3 },
      { is: "going", bytes: 3 },
    ]);
    expect(desk.isBusy).toBe(true);
    going.get("a")?.done(attachment("a"));
    going.get("b")?.done(attachment("b"));
    await settled();
    expect(attachmentsOf(desk.current.tray).map(({ hash }) => hash)).toEqual(["a", "b"]);
    expect(desk.isBusy).toBe(false);
  });

  test("sends a message once the last of its files is up", async () => {
    const { desk, going, sent, add } = setUp();
    add("a", "b");
    desk.send({ text: "both" });
    expect(desk.current.tray).toEqual([]);
    expect(desk.current.leaving).toMatchObject([{ draft: { text: "both" }, atMs: 5 }]);
    going.get("b")?.done(attachment("b"));
    await settled();
    expect(sent).toEqual([]);
    going.get("a")?.done(attachment("a"));
    await settled();
    expect(sent).toMatchObject([{ text: "both", attachments: [{ hash: "a" }, { hash: "b" }] }]);
    expect(desk.current.leaving).toEqual([]);
  });

  test("keeps a message whose file failed, and sends it when the file is up after all", async () => {
    const { desk, going, sent, add } = setUp();
    add("a");
    desk.send({ text: "later" });
    going.get("a")?.fail(new Error("no"));
    await settled();
    const [message] = desk.current.leaving;
    expect(message?.uploads[0]?.state.is).toBe("failed");
    desk.retryMessage(message?.key ?? "");
    going.get("a")?.done(attachment("a"));
    await settled();
    expect(sent).toHaveLength(1);
  });

  test("keeps a message that couldn't be written down", async () => {
    const { desk, going, sent, world, add } = setUp();
    world.refuses = new Error("full");
    add("a");
    desk.send({});
    going.get("a")?.done(attachment("a"));
    await settled();
    expect(desk.current.leaving[0]?.error).toBe(world.refuses);
    world.refuses = undefined;
    desk.retryMessage(desk.current.leaving[0]?.key ?? "");
    await settled();
    expect(sent).toHaveLength(1);
    expect(desk.current.leaving).toEqual([]);
  });

  test("stops what is taken out", async () => {
    const { desk, going, world, add } = setUp();
    add("a", "b");
    desk.remove(desk.current.tray[0]?.key ?? "");
    desk.send({});
    desk.discard(desk.current.leaving[0]?.key ?? "");
    expect(world.aborted).toEqual(["a", "b"]);
    expect(desk.current).toEqual({ tray: [], leaving: [] });
    going.get("a")?.done(attachment("a"));
    await settled();
    expect(desk.isBusy).toBe(false);
  });

  test("takes no more than a message may have, and each file once", async () => {
    const { desk, going, sent, add } = setUp();
    expect(add(...Array.from({ length: FILES_MAX + 2 }, (_, at) => `file ${at}`))).toBe(2);
    for (const { done } of going.values()) done(attachment("same"));
    desk.send({});
    await settled();
    expect(sent[0]?.attachments).toHaveLength(1);
  });
});
