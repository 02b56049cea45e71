/** One sign-in, over a connection of its own. */

import { FrameError, frame, Splitter } from "../codec/frame.js";
import { decode, type Init } from "../codec/message.js";
import { Malformed } from "../codec/wire.js";
import { ParlourError } from "../errors.js";
import { ClientFrame, ServerFrame } from "../generated/wire/v1/control.js";
import { CloseCode } from "../generated/wire/v1/error.js";
import type { SignInResult, SignIn as WireSignIn } from "../generated/wire/v1/sign_in.js";
import { CONTROL_FRAME_BYTES_MAX, SIGN_IN_WITHIN_MS } from "../limits.js";
import type { Carrier } from "../net/carrier.js";

/** What a server says that doesn't refuse. */
export type Answer = Exclude<NonNullable<SignInResult["result"]>, { case: "error" }>;

/**
 * Asks for a token, or for a passkey's challenge. Fails as the server refuses, with `offline` where it can't be reached or doesn't answer, and
 * with `malformed`.
 */
export type Ask = (request: Init<WireSignIn>, signal: AbortSignal) => Promise<Answer>;

/** Asks over what `dial` makes, and closes that. */
export async function exchange(
  dial: (signal: AbortSignal) => Promise<Carrier>,
  request: Init<WireSignIn>,
  signal: AbortSignal,
): Promise<Answer> {
  const carrier = await dial(signal).catch((cause: unknown) => {
    throw signal.aborted ? signal.reason : new ParlourError("offline", { cause });
  });
  try {
    const { result } = await answer(carrier, request, signal);
    if (result?.case === "error") throw ParlourError.refused(result.value);
    if (!result) throw new ParlourError("malformed");
    return result;
  } finally {
    carrier.close(CloseCode.CLIENT_DONE, "");
  }
}

function answer(carrier: Carrier, request: Init<WireSignIn>, signal: AbortSignal): Promise<SignInResult> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(SIGN_IN_WITHIN_MS)]);
  return new Promise((resolve, reject) => {
    const cut = () => reject(signal.aborted ? signal.reason : new ParlourError("offline"));
    within.addEventListener("abort", cut, { once: true });
    void carrier.closed.then(cut);
    const splitter = new Splitter(CONTROL_FRAME_BYTES_MAX);
    const data = (bytes: Uint8Array) => {
      try {
        splitter.push(bytes);
        const result = resultIn(splitter);
        if (result) resolve(result);
      } catch (cause) {
        const isOfPeer = cause instanceof Malformed || cause instanceof FrameError;
        reject(isOfPeer ? new ParlourError("malformed", { cause }) : cause);
      }
    };
    const lane = carrier.openLane({ data, end: cut, reset: cut });
    void lane.write(frame(ClientFrame, { frame: { case: "signIn", value: request } }));
    carrier.start({ events: () => undefined, eventsLost: () => undefined, datagram: () => undefined });
  });
}

function resultIn(splitter: Splitter): SignInResult | undefined {
  for (let next = splitter.nextFrame(); next; next = splitter.nextFrame()) {
    const { frame: arm } = decode(ServerFrame, next);
    if (arm?.case === "signInResult") return arm.value;
  }
  return undefined;
}
