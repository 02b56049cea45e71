import { ParlourError } from "@parlour/client";
import { ErrorClass, ErrorReason, Retry } from "@parlour/client/proto";
import { expect, test } from "vitest";
import type { Translate } from "../i18n/text.ts";
import { signInText } from "./failure.ts";

const t: Translate = (key, values) => [key, values?.n].filter((part) => part !== undefined).join(" ");
const refusal = (reason: keyof typeof ErrorReason, retryAfterMs = 0) =>
  ParlourError.refused({
    class: ErrorClass.UNAUTHENTICATED,
    reason: ErrorReason[reason],
    retry: Retry.NEVER,
    retryAfterMs,
    message: "",
    violations: [],
  });

test("a refusal is told by how somebody tried", () => {
  expect(signInText(refusal("SIGN_IN_REFUSED"), "link", t)).toBe("sign-in.link-spent");
  expect(signInText(refusal("SIGN_IN_REFUSED"), "password", t)).toBe("sign-in.wrong-password");
  expect(signInText(refusal("SIGN_IN_REFUSED"), "passkey", t)).toBe("sign-in.wrong-passkey");
  expect(signInText(refusal("PASSKEYS_DISABLED"), "passkey", t)).toBe("sign-in.no-passkeys");
  expect(signInText(refusal("SUBJECT_TAKEN"), "invite", t)).toBe("sign-in.taken");
});

test("who tries too often hears for how many whole seconds to wait", () => {
  expect(signInText(refusal("RATE_LIMITED", 1200), "password", t)).toBe("sign-in.too-often 2");
  expect(signInText(refusal("RATE_LIMITED", 0), "password", t)).toBe("sign-in.too-often 1");
});

test("what isn't a refusal has words, too", () => {
  expect(signInText(new ParlourError("offline"), "link", t)).toBe("sign-in.away");
  expect(signInText(new ParlourError("cache"), "link", t)).toBe("sign-in.not-kept");
  expect(signInText(new ParlourError("passkey-cancelled"), "passkey", t)).toBe("sign-in.passkey-cancelled");
  expect(signInText(new ParlourError("passkey-elsewhere"), "passkey", t)).toBe("passkeys.elsewhere");
  expect(signInText(new Error("whatever"), "link", t)).toBe("error.unknown");
});
