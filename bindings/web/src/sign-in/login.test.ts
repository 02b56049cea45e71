import { afterEach, describe, expect, it, vi } from "vitest";
import { ErrorReason } from "../generated/wire/v1/error.js";
import { SignIn } from "./how.js";
import { Login } from "./login.js";
import { refusal, same, TestServer, TestStore } from "./testing.js";

const HERE = "https://chat.example.org";
const GOOD = SignIn.code("good");

function at(server: TestServer, store: TestStore, url = HERE): Promise<Login> {
  return Login.over({ url, store }, server.ask);
}

async function signedIn() {
  const [server, store] = [new TestServer(), new TestStore()];
  const login = await at(server, store);
  await login.signIn(GOOD);
  return { server, store, login };
}

afterEach(() => void vi.useRealTimers());

describe("a login", () => {
  it("gives the token at hand until it runs out or is refused", async () => {
    const { server, login } = await signedIn();
    expect(await login.token()).toBe("token 1");
    expect(await login.token(false)).toBe("token 1");
    expect(await login.token(true)).toBe("token 2");
    expect(server.asked.map(({ how }) => how?.case)).toEqual(["code", "kept"]);
  });

  it("gets another token before the one at hand runs out", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    server.tokenForMs = 29_000;
    const login = await at(server, store);
    await login.signIn(GOOD);
    expect(await login.token()).toBe("token 2");
  });

  it("goes on after a reload, and says whose it is", async () => {
    const { server, store } = await signedIn();
    const again = await at(server, store);
    expect(again.isKept).toBe(true);
    expect(again.user).toEqual({ subject: "ada", organization: "example" });
    expect(await again.token()).toBe("token 2");
    expect(server.logins).toHaveLength(1);
  });

  it("has each secret in its store before it is used", async () => {
    const { server, store, login } = await signedIn();
    const ask = server.asked.length;
    const seen: string[] = [];
    const spy = vi.spyOn(store, "save").mockImplementation(async (text) => {
      seen.push(`saved before ${server.asked.length - ask} requests`);
      store.text = text;
    });
    await login.token(true);
    expect(seen[0]).toBe("saved before 0 requests");
    spy.mockRestore();
    expect(await login.token(true)).toBe("token 3");
  });

  it("makes the same request again whose answer was lost, also after a reload", async () => {
    const { server, store, login } = await signedIn();
    server.fates = ["lost", "unreachable", "lost"];
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(login.token(true)).rejects.toMatchObject({ kind: "offline" });
    }
    const again = await at(server, store);
    await again.token();
    const [first, ...others] = server.asked.slice(1).map(same);
    expect(others).toEqual([first, first]);
    expect(await again.token(true)).toMatch(/token/);
    expect(server.logins).toMatchObject([{ isEnded: false }]);
  });

  it("takes the same code again whose answer was lost, without being given it after a reload", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    server.fates = ["lost"];
    await expect((await at(server, store)).signIn(GOOD)).rejects.toMatchObject({ kind: "offline" });
    const again = await at(server, store);
    expect([again.isKept, again.isPending]).toEqual([false, true]);
    await again.token();
    expect([again.isKept, again.isPending]).toEqual([true, false]);
    expect(same(server.asked[0])).toBe(same(server.asked[1]));
  });

  it("never lets two tabs use one secret", async () => {
    const { server, store, login } = await signedIn();
    const other = await at(server, store);
    await Promise.all([login.token(true), other.token(true), login.token(true), other.token(true)]);
    await login.token(true);
    expect(server.logins).toMatchObject([{ isEnded: false }]);
  });

  it("asks once for those who want a token at the same time", async () => {
    const { server, store } = await signedIn();
    const login = await at(server, store);
    expect(await Promise.all([login.token(), login.token(), login.token()])).toEqual(
      Array(3).fill("token 2"),
    );
    expect(server.asked).toHaveLength(2);
  });

  it("goes on where the new secret couldn't be written down behind the answer", async () => {
    const { server, store, login } = await signedIn();
    const save = store.save.bind(store);
    let saves = 0;
    vi.spyOn(store, "save").mockImplementation(async (text) => {
      saves += 1;
      if (saves === 2) throw new Error("full");
      await save(text);
    });
    expect(await login.token(true)).toBe("token 2");
    expect(await login.token(true)).toBe("token 3");
    expect(server.logins).toMatchObject([{ isEnded: false }]);
  });

  it("asks nothing with a secret that couldn't be written down", async () => {
    const { server, store, login } = await signedIn();
    store.isBroken = true;
    await expect(login.token(true)).rejects.toMatchObject({ kind: "cache" });
    expect(server.asked).toHaveLength(1);
  });

  it("is gone where it has ended, and another way in is taken instead", async () => {
    const { server, store, login } = await signedIn();
    for (const known of server.logins) known.isEnded = true;
    await expect(login.token(true)).rejects.toMatchObject({ reason: "LOGIN_ENDED" });
    expect(login.isKept).toBe(false);
    await login.signIn(SignIn.password("example", "ada", "right"));
    expect(login.isKept).toBe(true);
    expect(store.text).not.toContain("right");
  });

  it("goes on rather than being begun anew", async () => {
    const { server, store } = await signedIn();
    const again = await at(server, store);
    await again.signIn(SignIn.password("example", "ada", "right"));
    expect(server.asked.at(-1)?.how?.case).toBe("kept");
  });

  it("is for one server: another one never sees its secret", async () => {
    const { store, login } = await signedIn();
    const other = new TestServer();
    const elsewhere = await at(other, store, "https://chat.example.com");
    expect(elsewhere.isKept).toBe(false);
    await expect(elsewhere.token()).rejects.toMatchObject({ reason: "LOGIN_ENDED" });
    await expect(elsewhere.signIn(SignIn.code("bad"))).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    expect(other.asked.map(({ how }) => how?.case)).toEqual(["code"]);
    // A link that leads nowhere doesn't cost the login that is there.
    expect(await login.token(true)).toBe("token 2");
  });

  it("is forgotten at this device", async () => {
    const { server, store, login } = await signedIn();
    await login.forget();
    expect([login.isKept, store.text]).toEqual([false, undefined]);
    await expect(login.token()).rejects.toMatchObject({ reason: "LOGIN_ENDED" });
    expect(server.asked).toHaveLength(1);
  });

  it("ends in every tab when it is forgotten in one", async () => {
    const { server, store, login } = await signedIn();
    await (await at(server, store)).forget();
    await expect(login.token(true)).rejects.toMatchObject({ reason: "LOGIN_ENDED" });
  });
});

describe("a refused sign-in", () => {
  it("says why, and isn't asked again at the next visit", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    const login = await at(server, store);
    await expect(login.signIn(SignIn.code("spent"))).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    expect((await at(server, store)).isPending).toBe(false);
    await login.signIn(GOOD);
  });

  it("keeps no password", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    server.fates = ["lost"];
    const login = await at(server, store);
    const asked = login.signIn(SignIn.password("example", "ada", "right"));
    await expect(asked).rejects.toMatchObject({ kind: "offline" });
    expect(store.saved.join()).not.toContain("right");
  });
});

describe("a knock", () => {
  const invite = SignIn.invite("good", { subject: "carol", note: "it's me" });
  // Hashing is no timer: it is waited for until the login sleeps again.
  const asleep = async () => {
    do await new Promise(setImmediate);
    while (vi.getTimerCount() === 0);
  };
  const waiting = () => refusal(ErrorReason.KNOCK_WAITING, 60_000);

  it("waits as long as the server says, over reloads, and comes in", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const [server, store] = [new TestServer(), new TestStore()];
    server.fates = [waiting(), waiting(), "unreachable"];
    const asked = (await at(server, store)).signIn(invite);
    await expect(asked).rejects.toMatchObject({ reason: "KNOCK_WAITING", retryAfterMs: 60_000 });
    const again = await at(server, store);
    expect(again.isPending).toBe(true);
    const letIn = again.untilLetIn();
    await asleep();
    vi.advanceTimersByTime(59_000);
    expect([server.asked.length, vi.getTimerCount()]).toEqual([2, 1]);
    vi.advanceTimersByTime(1000);
    await asleep();
    vi.advanceTimersByTime(5000);
    await letIn;
    expect(again.isKept).toBe(true);
    expect(new Set(server.asked.map(same)).size).toBe(1);
  });

  it("ends when it is declined", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    server.fates = [refusal(ErrorReason.SIGN_IN_REFUSED)];
    const login = await at(server, store);
    await expect(login.signIn(invite)).rejects.toMatchObject({ reason: "SIGN_IN_REFUSED" });
    await expect(login.untilLetIn()).rejects.toMatchObject({ reason: "LOGIN_ENDED" });
  });

  it("isn't waited for any longer than wanted", async () => {
    const [server, store] = [new TestServer(), new TestStore()];
    server.fates = [waiting(), waiting()];
    const login = await at(server, store);
    await login.signIn(invite).catch(() => undefined);
    const wanted = new AbortController();
    const letIn = login.untilLetIn({ signal: wanted.signal });
    setTimeout(() => wanted.abort(new Error("enough")), 5);
    await expect(letIn).rejects.toThrow("enough");
    expect(login.isPending).toBe(true);
  });
});
