/**
 * Signing in at an OpenID Connect provider (Core 1.0): authorization code flow with PKCE (RFC 6749, 7636). What the
 * server takes as a token is the `id_token`; a new one comes with the refresh token before it ends. Loaded when it is
 * needed.
 */

import { type Client, ParlourError } from "@parlour/client";
import { ErrorClass, ErrorReason, Retry } from "@parlour/client/proto";
import { type IdentityProvider, IndexedDbLoginStore } from "@parlour/client/sign-in";
import * as oauth from "oauth4webapi";
import { carriedFetch, forgetCarried } from "./carried.ts";
import { currentToken, type Renewable, type Renewal } from "./renewal.ts";
import { deleteCache, PROVIDER_KEY, type Session, type Word, wrong } from "./session.ts";
import { nameOf } from "./token.ts";

/** What is kept of somebody between two visits. */
interface Kept extends Renewable {
  readonly provider: IdentityProvider;
  readonly subject: string;
}

/** What is remembered while somebody is at the provider's page. */
interface Begun {
  readonly provider: IdentityProvider;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

const BEGUN_KEY = "parlour.provider.begun";
const ASK_WITHIN_MS = 10_000;

const store = new IndexedDbLoginStore("parlour.provider");

/** Goes to the provider's page, which comes back to this one with an answer. */
export async function begin(provider: IdentityProvider): Promise<void> {
  const { authorization_endpoint: endpoint } = await discover(provider);
  if (endpoint === undefined) throw new ParlourError("malformed");
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(endpoint);
  const asked = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: redirectUri(),
    scope: provider.scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    // OpenID Connect Core 1.0, section 11.
    ...(provider.scope.split(" ").includes("offline_access") && { prompt: "consent" }),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const begun: Begun = { provider, state, nonce, verifier };
  sessionStorage.setItem(BEGUN_KEY, JSON.stringify(begun));
  location.assign(url);
}

/** Takes the provider's answer. */
export async function finish(parameters: URLSearchParams): Promise<Session> {
  const begun = JSON.parse(sessionStorage.getItem(BEGUN_KEY) ?? "null") as Begun | null;
  sessionStorage.removeItem(BEGUN_KEY);
  // Nobody began here: whoever sent the user to this address did.
  if (!begun) throw new ParlourError("malformed");
  const { provider, state, nonce, verifier } = begun;
  const server = await discover(provider);
  const client = clientOf(provider);
  const checked = oauth.validateAuthResponse(server, client, parameters, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    checked,
    redirectUri(),
    verifier,
    options(provider),
  );
  const expected = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, expected);
  const kept = keptOf(provider, tokens, undefined);
  await store.save(JSON.stringify(kept));
  localStorage.setItem(PROVIDER_KEY, "yes");
  return sessionOf(kept);
}

/** The session of the last visit. */
export async function providerSession(): Promise<Session | undefined> {
  const kept = await load();
  return kept && sessionOf(kept);
}

/** Why there is no session after all. */
export function wordOf(error: unknown): Word {
  if (error instanceof oauth.AuthorizationResponseError && error.error === "access_denied")
    return { key: "sign-in.cancelled", isCalm: true };
  const isAway = error instanceof TypeError || (error instanceof ParlourError && error.kind === "offline");
  return wrong(isAway ? "sign-in.provider-away" : "sign-in.provider-wrong");
}

function sessionOf({ provider, subject }: Kept): Session {
  const cacheName = nameOf(provider.issuer, subject);
  return {
    url: location.origin,
    cacheName,
    subject,
    token: (fresh) => store.exclusively(() => currentToken(renewal, fresh)),
    signOut: (_: Client) => store.exclusively(revoke),
    end: async () => {
      localStorage.removeItem(PROVIDER_KEY);
      await store.remove().catch(() => undefined);
      await forgetCarried().catch(() => undefined);
      deleteCache(cacheName);
    },
  };
}

/** The token at hand, or the next one; one tab after the other, since a refresh token may be good only once. */
const renewal: Renewal<Kept> = {
  load,
  save: async (next) => {
    await store.save(JSON.stringify(next));
    await forgetCarried();
  },
  ask: refreshed,
  isSpent: (error) => error instanceof oauth.ResponseBodyError && error.error === "invalid_grant",
  over,
};

async function refreshed(kept: Kept, refresh: string): Promise<Kept> {
  const { provider } = kept;
  try {
    const [server, client] = [await discover(provider), clientOf(provider)];
    const more = { ...options(provider), [oauth.customFetch]: carriedFetch(refresh) };
    const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, more);
    return keptOf(provider, await oauth.processRefreshTokenResponse(server, client, answer), kept);
  } catch (error) {
    if (error instanceof ParlourError || renewal.isSpent(error)) throw error;
    throw new ParlourError("offline", { cause: error });
  }
}

function keptOf(
  provider: IdentityProvider,
  tokens: oauth.TokenEndpointResponse,
  before: Kept | undefined,
): Kept {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  // A provider need not give an `id_token` again; and it has to be the same user (Core 1.0, section 12.2).
  if (!claims || tokens.id_token === undefined || (before && claims.sub !== before.subject)) throw over();
  return {
    provider,
    subject: claims.sub,
    token: tokens.id_token,
    expiresMs: claims.exp * 1000,
    refresh: tokens.refresh_token ?? before?.refresh,
  };
}

/** Ends the refresh token at the provider, where it can be (RFC 7009). The user stays signed in there. */
async function revoke(): Promise<void> {
  const kept = await load();
  if (kept?.refresh === undefined) return;
  const { provider, refresh } = kept;
  const server = await discover(provider);
  if (server.revocation_endpoint === undefined) return;
  const client = clientOf(provider);
  const answer = await oauth.revocationRequest(server, client, oauth.None(), refresh, options(provider));
  await oauth.processRevocationResponse(answer);
}

async function load(): Promise<Kept | undefined> {
  const text = await store.load();
  return text === undefined ? undefined : (JSON.parse(text) as Kept);
}

async function discover(provider: IdentityProvider): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer);
  const answer = await oauth.discoveryRequest(issuer, { ...options(provider), algorithm: "oidc" });
  return oauth.processDiscoveryResponse(issuer, answer);
}

function clientOf({ clientId }: IdentityProvider): oauth.Client {
  return { client_id: clientId, token_endpoint_auth_method: "none" };
}

function options({ issuer }: IdentityProvider) {
  // The SDK leaves out providers without TLS, but those on this host.
  const isHere = issuer.startsWith("http:");
  return { signal: AbortSignal.timeout(ASK_WITHIN_MS), [oauth.allowInsecureRequests]: isHere };
}

/** This page, as the provider has to know it. */
function redirectUri(): string {
  return location.origin + location.pathname;
}

/** The user has to sign in again. */
function over(): ParlourError {
  const rest = { retryAfterMs: 0, message: "", violations: [] };
  const [reason, retry] = [ErrorReason.LOGIN_ENDED, Retry.NEVER];
  return ParlourError.refused({ class: ErrorClass.UNAUTHENTICATED, reason, retry, ...rest });
}
