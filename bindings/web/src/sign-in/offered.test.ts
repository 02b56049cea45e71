import { describe, expect, it } from "vitest";
import { offered } from "./offered.js";

function answering(body: unknown, status = 200): typeof globalThis.fetch {
  return async () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
}

const URL = "https://chat.example.org";
const NOTHING = { accounts: false, passkeys: false, providers: [] };

describe("what a server offers", () => {
  it("is what its endpoints document says", async () => {
    const provider = {
      name: "Example SSO",
      issuer: "https://id.example.org",
      client_id: "parlour",
      scope: "openid profile offline_access",
    };
    const fetch = answering({ sign_in: { accounts: true, passkeys: true, oidc: [provider] } });
    const { client_id: clientId, ...rest } = provider;
    expect(await offered(URL, { fetch })).toEqual({
      accounts: true,
      passkeys: true,
      providers: [{ ...rest, clientId }],
    });
  });

  it.each([[{}], [null], [{ sign_in: { accounts: 1, oidc: {} } }]])(
    "is nothing where it says %j",
    async (said) => {
      expect(await offered(URL, { fetch: answering(said) })).toEqual(NOTHING);
    },
  );

  it("is nothing where browsers may not connect", async () => {
    expect(await offered(URL, { fetch: answering("", 404) })).toEqual(NOTHING);
  });

  it("leaves out providers that can't be asked, and names those without a name", async () => {
    const oidc = [
      null,
      { issuer: "ftp://id.example.org", client_id: "a" },
      { issuer: "http://id.example.org", client_id: "a" },
      { issuer: "https://id.example.org" },
      { issuer: "http://localhost:8000", client_id: "a" },
    ];
    const { providers } = await offered(URL, { fetch: answering({ sign_in: { oidc } }) });
    expect(providers).toEqual([
      { name: "localhost:8000", issuer: "http://localhost:8000", clientId: "a", scope: "openid" },
    ]);
  });

  it("can't be told of a server that isn't there, or isn't one", async () => {
    const fetch = async () => {
      throw new TypeError("failed");
    };
    await expect(offered(URL, { fetch })).rejects.toMatchObject({ kind: "offline" });
    await expect(offered(URL, { fetch: answering("", 502) })).rejects.toMatchObject({ kind: "offline" });
    await expect(offered(URL, { fetch: answering("<html>") })).rejects.toMatchObject({ kind: "malformed" });
  });
});
