/** The ways to sign in for the first time on a device. */

import type { Init } from "../codec/message.js";
import type { Newcomer, PasskeySignIn, SignIn as WireSignIn } from "../generated/wire/v1/sign_in.js";

/** Who takes an invite. */
export interface NewAccount {
  /** What the account is called, by nobody else: 1 to 32 of `a-z 0-9 . _ -`. */
  readonly subject: string;
  /** What people call them, at most 200 bytes; the subject unless it is said. */
  readonly name?: string;
  /** For whoever lets them in, where somebody does; at most 500 bytes. */
  readonly note?: string;
}

/**
 * How somebody signs in: `SignIn.code`, `SignIn.invite`, `SignIn.password` or `askForPasskey` makes one. A secret:
 * never in a log.
 */
export class SignIn {
  private constructor(
    /** @internal */
    readonly how: Init<NonNullable<WireSignIn["how"]>>,
  ) {}

  /** With the code of a sign-in link, which is good once. */
  static code(code: string): SignIn {
    return new SignIn({ case: "code", value: { code } });
  }

  /** With the code of an invite: makes an account. */
  static invite(code: string, { subject, name = "", note = "" }: NewAccount): SignIn {
    return new SignIn({ case: "code", value: { code, newcomer: { subject, name, note } } });
  }

  /** With a password. `user` is the account's name or its handle. */
  static password(organization: string, user: string, password: string): SignIn {
    return new SignIn({ case: "password", value: { org: organization, user, password } });
  }

  /** @internal With a passkey that has answered. */
  static passkey(answer: Init<PasskeySignIn>): SignIn {
    return new SignIn({ case: "passkey", value: answer });
  }

  /** @internal With a code from a visit before. */
  static pending({ code, newcomer }: PendingCode): SignIn {
    return new SignIn({ case: "code", value: newcomer ? { code, newcomer } : { code } });
  }
}

/** A code whose sign-in isn't decided yet: kept, so that whoever waits to be let in may reload the page. */
export interface PendingCode {
  readonly code: string;
  readonly newcomer?: Newcomer;
}

/** What of a way in is kept until it is decided: a code, never a password. */
export function pendingOf(signIn: SignIn): PendingCode | undefined {
  const { how } = signIn;
  if (how.case !== "code") return undefined;
  const { code = "", newcomer } = how.value;
  if (!newcomer) return { code };
  const { subject = "", name = "", note = "" } = newcomer;
  return { code, newcomer: { subject, name, note } };
}
