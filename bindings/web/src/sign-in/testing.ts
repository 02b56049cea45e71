/** A server's side of sign-ins for tests, as PROTOCOL.md's section 29 has it, and a store that a test looks into. */

import { decode, encode, type Init } from "../codec/message.js";
import { ParlourError } from "../errors.js";
import { ErrorClass, ErrorReason, Retry } from "../generated/wire/v1/error.js";
import { type SignedIn, SignIn as WireSignIn } from "../generated/wire/v1/sign_in.js";
import { hexOf } from "../ids.js";
import type { Answer, Ask } from "./exchange.js";
import type { LoginStore } from "./store.js";
import { takeTurns } from "./turns.js";

/** What a server says of a login: what its next secret's hash is, and what it was gone on with last. */
interface Known {
  hash: string;
  before: string | undefined;
  isEnded: boolean;
}

/** A refusal. */
export function refusal(reason: number, retryAfterMs = 0): ParlourError {
  const retry = retryAfterMs > 0 ? Retry.AFTER_DELAY : Retry.NEVER;
  const rest = { class: ErrorClass.UNAUTHENTICATED, message: "", violations: [] };
  return ParlourError.refused({ reason, retry, retryAfterMs, ...rest });
}

/** A server with one code, "good", and one password, "right". */
export class TestServer {
  readonly logins: Known[] = [];
  readonly asked: WireSignIn[] = [];
  /** What passkeys were asked. */
  readonly challenges: Uint8Array[] = [];
  /** What becomes of the next answers: lost on their way, or never made. */
  fates: ("lost" | "unreachable" | ParlourError)[] = [];
  #code: { hash: string; login: number } | undefined;
  #tokens = 0;
  tokenForMs = 3_600_000;

  readonly ask: Ask = async (init, signal) => {
    signal.throwIfAborted();
    const fate = this.fates.shift();
    if (fate === "unreachable") throw new ParlourError("offline");
    const request = decode(WireSignIn, encode(WireSignIn, init));
    this.asked.push(request);
    if (fate instanceof ParlourError) throw fate;
    const answer = await this.#answer(request);
    if (fate === "lost") throw new ParlourError("offline");
    return answer;
  };

  async #answer(request: WireSignIn): Promise<Answer> {
    if (request.how?.case !== "question") return { case: "signedIn", value: await this.#signIn(request) };
    const challenge = crypto.getRandomValues(new Uint8Array(16));
    this.challenges.push(challenge);
    const expiresMs = Date.now() + 600_000;
    return { case: "challenge", value: { challenge, host: "localhost", state: challenge, expiresMs } };
  }

  async #signIn({ how, nextHash }: WireSignIn): Promise<SignedIn> {
    const hash = hexOf(nextHash);
    if (how?.case === "kept")
      return this.#goOn(how.value.login[0] ?? 0, await sha256(how.value.secret), hash);
    if (how?.case === "password" && how.value.password === "right") return this.#begin(hash);
    if (how?.case !== "code" || how.value.code !== "good") throw refusal(ErrorReason.SIGN_IN_REFUSED);
    if (this.#code && this.#code.hash !== hash) throw refusal(ErrorReason.SIGN_IN_REFUSED);
    if (this.#code) return this.#signedIn(this.#code.login);
    this.#code = { hash, login: this.logins.length };
    return this.#begin(hash);
  }

  #begin(hash: string): SignedIn {
    this.logins.push({ hash, before: undefined, isEnded: false });
    return this.#signedIn(this.logins.length - 1);
  }

  #goOn(login: number, shown: string, next: string): SignedIn {
    const known = this.logins[login];
    if (!known || known.isEnded) throw refusal(ErrorReason.LOGIN_ENDED);
    if (known.hash === shown) {
      known.before = shown;
      known.hash = next;
    } else if (known.before !== shown || known.hash !== next) {
      // Two have the secret.
      known.isEnded = true;
      throw refusal(ErrorReason.LOGIN_ENDED);
    }
    return this.#signedIn(login);
  }

  #signedIn(login: number): SignedIn {
    this.#tokens += 1;
    const whose = { subject: "ada", org: "example" };
    const tokenExpiresMs = Date.now() + this.tokenForMs;
    return { token: `token ${this.#tokens}`, tokenExpiresMs, login: Uint8Array.of(login, 9), ...whose };
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)));
}

let stores = 0;

/** A store that forgets nothing as long as the test runs; it may break. */
export class TestStore implements LoginStore {
  readonly #name = `test-${stores++}`;
  text: string | undefined;
  isBroken = false;
  /** Everything that was ever saved. */
  readonly saved: string[] = [];

  async load(): Promise<string | undefined> {
    return this.text;
  }

  async save(text: string): Promise<void> {
    if (this.isBroken) throw new ParlourError("cache");
    this.text = text;
    this.saved.push(text);
  }

  async remove(): Promise<void> {
    this.text = undefined;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return takeTurns(this.#name, work);
  }
}

/** What a request says of itself, to be compared. */
export function same(request: Init<WireSignIn> | undefined): string {
  return request ? hexOf(encode(WireSignIn, request)) : "";
}
