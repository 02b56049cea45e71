// A browser with an authenticator, in software (Web Authentication level 3, sections 5.1, 6 and 7): what it signs the
// server verifies wholly.

import type { Credentials } from "../../src/sign-in.js";

interface Made {
  readonly id: Uint8Array;
  readonly key: CryptoKeyPair;
  readonly host: string;
  readonly user: Uint8Array;
  /** What a browser would show. */
  readonly name: string;
  uses: number;
}

const PRESENT_AND_VERIFIED = 0x05;
const HAS_KEY = 0x40;
const ES256 = -7;
const KEY = { name: "ECDSA", namedCurve: "P-256" };

/** What a page of an origin makes and uses passkeys with. The user agrees to everything and takes the newest one. */
export class Authenticator implements Credentials {
  readonly passkeys: Made[] = [];

  constructor(private readonly origin: string) {}

  async create({ publicKey, signal }: CredentialCreationOptions = {}): Promise<Credential> {
    signal?.throwIfAborted();
    if (!publicKey) throw new TypeError("not of passkeys");
    const { challenge, rp, user, pubKeyCredParams, excludeCredentials = [] } = publicKey;
    const host = this.#ours(rp.id);
    const excluded = excludeCredentials.map(({ id }) => hex(bytes(id)));
    if (this.passkeys.some(({ id }) => excluded.includes(hex(id))))
      throw new DOMException("", "InvalidStateError");
    if (!pubKeyCredParams.some(({ alg }) => alg === ES256)) throw new DOMException("", "NotSupportedError");
    const key = (await crypto.subtle.generateKey(KEY, false, ["sign", "verify"])) as CryptoKeyPair;
    const id = crypto.getRandomValues(new Uint8Array(16));
    const made = { id, key, host, user: bytes(user.id), name: user.name, uses: 0 };
    this.passkeys.push(made);
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey));
    const data = [
      ...(await dataOf(made, PRESENT_AND_VERIFIED | HAS_KEY)),
      ...new Uint8Array(16),
      0,
      16,
      ...id,
    ];
    // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    data.push(0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, ...point.subarray(1, 33));
    data.push(0x22, 0x58, 32, ...point.subarray(33));
    const object = [0xa3, ...text("\x63fmt\x64none\x67attStmt"), 0xa0, ...text("\x68authData")];
    const attestationObject = Uint8Array.of(...object, 0x58, data.length, ...data).buffer;
    return credential(id, { clientDataJSON: this.#said("webauthn.create", challenge), attestationObject });
  }

  async get({ publicKey, signal }: CredentialRequestOptions = {}): Promise<Credential> {
    signal?.throwIfAborted();
    if (!publicKey) throw new TypeError("not of passkeys");
    const host = this.#ours(publicKey.rpId);
    const made = this.passkeys.findLast((passkey) => passkey.host === host);
    if (!made) throw new DOMException("", "NotAllowedError");
    made.uses += 1;
    const authenticatorData = await dataOf(made, PRESENT_AND_VERIFIED);
    const clientDataJSON = this.#said("webauthn.get", publicKey.challenge);
    const hash = await crypto.subtle.digest("SHA-256", clientDataJSON);
    const signed = Uint8Array.of(...authenticatorData, ...new Uint8Array(hash));
    const pair = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, made.key.privateKey, signed);
    const signature = der(new Uint8Array(pair)).buffer;
    const userHandle = Uint8Array.from(made.user).buffer;
    return credential(made.id, {
      clientDataJSON,
      authenticatorData: authenticatorData.buffer,
      signature,
      userHandle,
    });
  }

  /** A page may ask for passkeys of its host and of those above it. */
  #ours(host = ""): string {
    const own = new URL(this.origin).hostname;
    if (own !== host && !own.endsWith(`.${host}`)) throw new DOMException("", "SecurityError");
    return host;
  }

  #said(type: string, challenge: BufferSource): ArrayBuffer {
    const said = {
      type,
      challenge: Buffer.from(bytes(challenge)).toString("base64url"),
      origin: this.origin,
      crossOrigin: false,
    };
    return Uint8Array.from(text(JSON.stringify(said))).buffer;
  }
}

/** `authenticatorData` (section 6.1) up to the key. */
async function dataOf({ host, uses }: Made, flags: number): Promise<Uint8Array<ArrayBuffer>> {
  const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(text(host)));
  return Uint8Array.of(...new Uint8Array(hash), flags, 0, 0, uses >> 8, uses & 0xff);
}

function credential(id: Uint8Array, response: object): Credential {
  const rawId = Uint8Array.from(id).buffer;
  return {
    id: Buffer.from(id).toString("base64url"),
    type: "public-key",
    rawId,
    response,
  } as unknown as Credential;
}

/** ECDSA-Sig-Value (RFC 3279, section 2.2.3) of the two numbers that WebCrypto gives. */
function der(pair: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = [pair.subarray(0, 32), pair.subarray(32)].flatMap((number) => {
    const digits = [...number.subarray(number.findIndex((byte) => byte !== 0))];
    const positive = (digits[0] ?? 0) > 0x7f ? [0, ...digits] : digits;
    return [2, positive.length, ...positive];
  });
  return Uint8Array.of(0x30, numbers.length, ...numbers);
}

function bytes(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

const text = (said: string) => new TextEncoder().encode(said);
const hex = (id: Uint8Array) => Buffer.from(id).toString("hex");
