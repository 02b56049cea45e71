import { expect, it } from "vitest";
import { parseSignInLink } from "../sign-in/link.js";
import { pageLink } from "./link.js";

it.each([true, false])("a link is read as what it was made of, invite: %s", (isInvite) => {
  const link = pageLink({ page: "https://chat.example.com/app/?a=b#/admin", code: "a+b/c&d", isInvite });
  expect(link).toBe(`https://chat.example.com/app/#${isInvite ? "invite" : "sign-in"}=a%2Bb%2Fc%26d`);
  expect(parseSignInLink(link)).toEqual({ code: "a+b/c&d", isInvite, url: "https://chat.example.com" });
});
