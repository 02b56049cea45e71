// What an operator does about accounts, at a server's command line.

import { parseSignInLink, SignIn } from "../../src/sign-in.js";
import type { TestServer } from "./server.js";

const ORG = ["--org", "example"];

/** An account, and the code of its sign-in link. */
export function addUser(server: TestServer, subject: string, ...more: string[]): string {
  const link = server.command("user", "add", subject, ...ORG, ...more);
  return parseSignInLink(link.trim().split("\n").at(-1) ?? "").code;
}

/** The code of another link for an account. */
export function linkFor(server: TestServer, subject: string): SignIn {
  return SignIn.code(parseSignInLink(server.command("user", "link", subject, ...ORG).trim()).code);
}

/** An invite's code. */
export function invite(server: TestServer, ...more: string[]): string {
  const link = parseSignInLink(server.command("invite", "create", ...ORG, ...more).trim());
  if (!link.isInvite) throw new Error("no invite");
  return link.code;
}
