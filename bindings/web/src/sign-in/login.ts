/**
 * A login of this device: from a link, an invite, a password or a passkey to tokens, one after the other, for as long
 * as it lasts (PROTOCOL.md, section 29). What its store has is the truth: it is read before each sign-in, and the next
 * secret is written down there before it is used, so that the same request is made again after a lost answer.
 */

import type { CallOptions } from "../client/call.js";
import { newDevice, randomBytes, shortMemory, stadium } from "../client/environment.js";
import type { Init } from "../codec/message.js";
import { ParlourError } from "../errors.js";
import { ErrorClass, ErrorReason, Retry } from "../generated/wire/v1/error.js";
import type { PasskeyChallenge, SignIn as WireSignIn } from "../generated/wire/v1/sign_in.js";
import { bytesOf, type DeviceId, fieldOf, hexOf } from "../ids.js";
import { KNOCK_AGAIN_AFTER_MS, SECRET_BYTES, TOKEN_SPARE_MS } from "../limits.js";
import { Directory } from "../net/endpoints.js";
import { connect } from "../net/race.js";
import type { SocketConstructor } from "../net/websocket.js";
import { type Ask, exchange } from "./exchange.js";
import { pendingOf, SignIn } from "./how.js";
import { type Kept, nothingKept, readKept } from "./kept.js";
import type { LoginStore } from "./store.js";

const AGENT = "parlour-web";

/** What a login needs to know. */
export interface LoginOptions {
  /** The server's HTTP address, such as `https://chat.example.com`: a login is good at one server. */
  url: string;
  /** Where it is kept, such as an `IndexedDbLoginStore`. */
  store: LoginStore;
  /** Shown in the list of logins: name and version of the application, at most 100 bytes. */
  agent?: string;
  /** Another WebSocket than the global one: that of the package `ws` in Node 20. */
  webSocket?: SocketConstructor;
  /** Another `fetch` than the global one. */
  fetch?: typeof globalThis.fetch;
}

/** Whose login it is. */
export interface LoginUser {
  /** The account's name, the `sub` of its tokens. */
  readonly subject: string;
  /** Its organization, the `org` of its tokens. */
  readonly organization: string;
}

interface Token {
  readonly text: string;
  readonly expiresMs: number;
}

/** A login: it hands out tokens, and gets a new one when it has to. Give it to a client as its `token`. */
export class Login {
  readonly #options: LoginOptions;
  readonly #ask: Ask;
  readonly #server: string;
  #kept: Kept;
  #token: Token | undefined;

  private constructor(options: LoginOptions, ask: Ask, kept: Kept) {
    this.#options = options;
    this.#ask = ask;
    this.#server = originOf(options.url);
    this.#kept = kept;
  }

  /** With what the store has. Fails with `cache` where that can't be read. */
  static async open(options: LoginOptions): Promise<Login> {
    return Login.over(options, askOver(options));
  }

  /** @internal The same over another way to ask. */
  static async over(options: LoginOptions, ask: Ask): Promise<Login> {
    const kept = readKept(await options.store.load()) ?? nothingKept(newDevice());
    return new Login(options, ask, kept);
  }

  /** Whether there is a login from before, or from now. */
  get isKept(): boolean {
    return this.#kept.login !== "" && this.#kept.server === this.#server;
  }

  /** Whether a code was given and nobody knows what became of it: an invite that waits for somebody, for instance. */
  get isPending(): boolean {
    return this.#kept.pending?.server === this.#server;
  }

  /** Whose it is; absent before the first sign-in. */
  get user(): LoginUser | undefined {
    const { subject, organization } = this.#kept;
    return this.isKept ? { subject, organization } : undefined;
  }

  /** This installation, as the server's list of logins calls it. */
  get device(): DeviceId {
    return this.#kept.device;
  }

  /**
   * Signs in, unless there is a login that goes on: then that does, and `how` isn't looked at. Fails as the server
   * refuses: `SIGN_IN_REFUSED` where the code is spent, has run out or never was, the password is wrong, or the
   * passkey isn't known; `SUBJECT_TAKEN` and `INVALID_FIELD` for what an invite's account shall be called;
   * `ACCOUNTS_DISABLED`. With `KNOCK_WAITING`, where somebody has to let them in, and `RATE_LIMITED` the same may be asked again after the
   * error's `retryAfterMs`; `untilLetIn` does. Fails with `offline` without a connection, and with `cache` where
   * the login couldn't be kept.
   */
  async signIn(how: SignIn, { signal }: CallOptions = {}): Promise<void> {
    await this.#renew(how, false, signal);
  }

  /**
   * Goes on with the code of a sign-in that isn't decided, until it is, also without a connection meanwhile and after
   * a reload. `signal` ends the waiting, not the knock.
   */
  async untilLetIn({ signal }: CallOptions = {}): Promise<void> {
    for (;;) {
      try {
        await this.#renew(undefined, false, signal);
        return;
      } catch (error) {
        if (!(error instanceof ParlourError) || isFinal(error)) throw error;
        await sleep(Math.max(error.retryAfterMs, KNOCK_AGAIN_AFTER_MS), signal);
      }
    }
  }

  /**
   * A token: the one at hand, unless `fresh` says that it is refused or it runs out. Fails as `signIn`; with
   * `LOGIN_ENDED` where there is no login, or it has ended.
   */
  async token(fresh = false): Promise<string> {
    return !fresh && isGood(this.#token) ? this.#token.text : this.#renew(undefined, fresh, undefined);
  }

  /** Forgets the login on this device. At the server it goes on: `Account.signOut` ends it there, too. */
  async forget(): Promise<void> {
    await this.#options.store.exclusively(async () => {
      this.#token = undefined;
      this.#kept = nothingKept(this.#kept.device);
      await this.#options.store.remove();
    });
  }

  /** @internal What a passkey has to answer. */
  async question(signal: AbortSignal): Promise<PasskeyChallenge> {
    const answer = await this.#ask({ how: { case: "question", value: {} } }, signal);
    if (answer.case !== "challenge") throw new ParlourError("malformed");
    return answer.value;
  }

  // Signing in.

  #renew(how: SignIn | undefined, fresh: boolean, signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted();
    return this.#options.store.exclusively(async () => {
      // Another tab may have gone on with it.
      this.#kept = readKept(await this.#options.store.load()) ?? nothingKept(this.#kept.device);
      if (fresh || !this.isKept || !isGood(this.#token)) {
        this.#token = undefined;
        this.#token = await this.#signInWith(how ?? this.#pending, signal ?? new AbortController().signal);
      }
      return this.#token.text;
    });
  }

  get #pending(): SignIn | undefined {
    return this.isPending && this.#kept.pending ? SignIn.pending(this.#kept.pending) : undefined;
  }

  async #signInWith(first: SignIn | undefined, signal: AbortSignal): Promise<Token> {
    if (this.isKept) {
      try {
        return await this.#goOn(signal);
      } catch (error) {
        if (!(error instanceof ParlourError) || error.reason !== "LOGIN_ENDED") throw error;
        // It is over, and there may be another way in.
        const { device, pending } = this.#kept;
        await this.#keep({ ...nothingKept(device), ...(pending && { pending }) });
        if (!first) throw error;
      }
    }
    if (!first) throw ended();
    await this.#note(first);
    try {
      return await this.#request(first.how, signal);
    } catch (error) {
      // What is refused for good isn't asked again at the next visit.
      if (isFinal(error)) await this.#keep(withoutPending(this.#kept)).catch(() => undefined);
      throw error;
    }
  }

  #goOn(signal: AbortSignal): Promise<Token> {
    const { login, secret } = this.#kept;
    return this.#request({ case: "kept", value: { login: bytesOf(login), secret: bytesOf(secret) } }, signal);
  }

  /** Asks with a secret that is written down, and writes down what came of it. */
  async #request(how: Init<NonNullable<WireSignIn["how"]>>, signal: AbortSignal): Promise<Token> {
    if (this.#kept.next === "") await this.#keep({ ...this.#kept, next: hexOf(randomBytes(SECRET_BYTES)) });
    const { next, device } = this.#kept;
    const nextHash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(next) as BufferSource));
    const agent = this.#options.agent ?? AGENT;
    const answer = await this.#ask({ how, nextHash, device: fieldOf(device), agent }, signal);
    if (answer.case !== "signedIn") throw new ParlourError("malformed");
    const signedIn = answer.value;
    const { login, subject, org: organization } = signedIn;
    const whose = { server: this.#server, subject, organization };
    // No reason to do without the token: what is in the store asks the same again.
    await this.#keep({ device, login: hexOf(login), secret: next, next: "", ...whose }).catch(
      () => undefined,
    );
    return { text: signedIn.token, expiresMs: signedIn.tokenExpiresMs };
  }

  // What is kept.

  /** A code is kept until it is decided what becomes of it, so that a reload goes on with it. */
  async #note(first: SignIn): Promise<void> {
    const code = pendingOf(first);
    const kept = withoutPending(this.#kept);
    await this.#keep(code ? { ...kept, pending: { ...code, server: this.#server } } : kept);
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#options.store.save(JSON.stringify(kept));
    this.#kept = kept;
  }
}

function isGood(token: Token | undefined): token is Token {
  return token !== undefined && Date.now() + TOKEN_SPARE_MS < token.expiresMs;
}

function withoutPending({ pending: _, ...kept }: Kept): Kept {
  return kept;
}

function askOver(options: LoginOptions): Ask {
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const directory = new Directory(options.url, shortMemory(), fetch);
  const dial = (signal: AbortSignal) => connect(directory, stadium(options), signal);
  return (request, signal) => exchange(dial, request, signal);
}

function originOf(url: string): string {
  return new URL(url.replace(/^ws/, "http")).origin;
}

/** Whether a refusal stands, however often it is asked. */
function isFinal(error: unknown): boolean {
  return error instanceof ParlourError && error.kind === "refused" && error.retry === "NEVER";
}

function ended(): ParlourError {
  const [reason, retry] = [ErrorReason.LOGIN_ENDED, Retry.NEVER];
  const refusal = {
    class: ErrorClass.UNAUTHENTICATED,
    reason,
    retry,
    retryAfterMs: 0,
    message: "",
    violations: [],
  };
  return ParlourError.refused(refusal);
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  signal?.throwIfAborted();
}
