import { afterEach, describe, expect, it, vi } from "vitest";
import { CHALLENGE_FOR_MS } from "../limits.js";
import { base64url, type Credentials, canAutofillPasskeys, canUsePasskeys } from "./credentials.js";
import { Login } from "./login.js";
import { askForPasskey } from "./passkey.js";
import { TestServer, TestStore } from "./testing.js";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened(server: TestServer): Promise<Login> {
  return Login.over({ url: "https://chat.example.org", store: new TestStore() }, server.ask);
}

/** A browser that says this when it is asked. */
function browser(get: Credentials["get"]): Credentials {
  return { get, create: () => Promise.reject(new Error("nobody asked")) };
}

/** One whose user does nothing. */
function idle(asked: CredentialRequestOptions[] = []): Credentials {
  return browser((options = {}) => {
    asked.push(options);
    return new Promise((_, reject) => {
      options.signal?.addEventListener("abort", () => reject(options.signal?.reason));
    });
  });
}

const buffer = (...bytes: number[]) => Uint8Array.from(bytes).buffer;

describe("a passkey's answer", () => {
  it("is to the server's question, and goes there as the browser gave it", async () => {
    const [server, asked] = [new TestServer(), [] as CredentialRequestOptions[]];
    const response = {
      userHandle: buffer(2),
      clientDataJSON: buffer(3, 3),
      authenticatorData: buffer(4),
      signature: buffer(5),
    };
    const credentials = browser(async (options = {}) => {
      asked.push(options);
      return { id: "AQ", type: "public-key", rawId: buffer(1), response } as unknown as Credential;
    });
    const login = await opened(server);
    const how = await askForPasskey(login, { credentials });
    const [challenge] = server.challenges;
    expect(asked).toMatchObject([
      { publicKey: { challenge, rpId: "localhost", userVerification: "required" } },
    ]);
    expect(asked[0]).not.toHaveProperty("mediation");
    // The server of this test knows no passkeys.
    await expect(login.signIn(how)).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    expect(server.asked.at(-1)?.how).toEqual({
      case: "passkey",
      value: {
        state: challenge,
        id: Uint8Array.of(1),
        user: Uint8Array.of(2),
        clientDataJson: Uint8Array.of(3, 3),
        authenticatorData: Uint8Array.of(4),
        signature: Uint8Array.of(5),
      },
    });
  });

  it.each([
    ["NotAllowedError", "passkey-cancelled"],
    ["AbortError", "passkey-cancelled"],
    ["SecurityError", "passkey-elsewhere"],
    ["NotReadableError", "passkey-failed"],
  ])("that is a %s fails with %s", async (name, kind) => {
    const cause = new DOMException("", name);
    const credentials = browser(() => Promise.reject(cause));
    const asked = askForPasskey(await opened(new TestServer()), { credentials });
    await expect(asked).rejects.toMatchObject({ name: "ParlourError", kind, cause });
  });

  it("isn't waited for once it isn't wanted any more", async () => {
    for (const autofill of [false, true]) {
      const [server, given] = [new TestServer(), new AbortController()];
      const asked: CredentialRequestOptions[] = [];
      const options = { credentials: idle(asked), signal: given.signal, autofill };
      const asking = askForPasskey(await opened(server), options);
      await vi.waitFor(() => expect(asked).toHaveLength(1));
      given.abort(new Error("enough"));
      await expect(asking).rejects.toThrow("enough");
      await expect(askForPasskey(await opened(server), options)).rejects.toThrow("enough");
      expect(server.challenges).toHaveLength(1);
    }
  });

  it("to what is offered for filling in is asked for anew before its question runs out", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const [server, asked, given] = [
      new TestServer(),
      [] as CredentialRequestOptions[],
      new AbortController(),
    ];
    const options = { credentials: idle(asked), autofill: true, signal: given.signal };
    const asking = askForPasskey(await opened(server), options);
    const asleep = async (times: number) => {
      while (asked.length < times) await new Promise(setImmediate);
    };
    await asleep(1);
    vi.advanceTimersByTime(CHALLENGE_FOR_MS - 1);
    await new Promise(setImmediate);
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await asleep(2);
    expect(asked.map(({ mediation }) => mediation)).toEqual(["conditional", "conditional"]);
    expect(asked.map(({ publicKey }) => publicKey?.challenge)).toEqual(server.challenges);
    expect(asked[0]?.signal?.aborted).toBe(true);
    given.abort(new Error("enough"));
    await expect(asking).rejects.toThrow("enough");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is no sign-in where the server answers another question", async () => {
    const server = new TestServer();
    const odd = await Login.over({ url: "https://chat.example.org", store: new TestStore() }, () =>
      server.ask(
        { how: { case: "password", value: { password: "right" } }, nextHash: new Uint8Array(32) },
        new AbortController().signal,
      ),
    );
    await expect(askForPasskey(odd, { credentials: idle() })).rejects.toMatchObject({ kind: "malformed" });
  });
});

describe("passkeys", () => {
  it("are nowhere but in browsers, and there in secure contexts", async () => {
    const server = new TestServer();
    await expect(askForPasskey(await opened(server))).rejects.toMatchObject({ kind: "no-passkeys" });
    vi.stubGlobal("PublicKeyCredential", class {});
    vi.stubGlobal("isSecureContext", false);
    expect([canUsePasskeys(), await canAutofillPasskeys()]).toEqual([false, false]);
    vi.stubGlobal("isSecureContext", true);
    // Browsers of before conditional mediation.
    expect([canUsePasskeys(), await canAutofillPasskeys()]).toEqual([true, false]);
    expect(server.asked).toEqual([]);
  });
});

describe("base64url", () => {
  it.each([
    [[], ""],
    [[0], "AA"],
    [[0xfb, 0xff], "-_8"],
    [[0xff, 0xef, 0xbe], "_---"],
  ])("of %j is %j", (bytes, text) => {
    expect(base64url(Uint8Array.from(bytes))).toBe(text);
  });
});
