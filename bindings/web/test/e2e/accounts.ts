// What an operator does about accounts, at a server's command line.

import { parseSignInLink, SignIn } from "../../src/sign-in.js";
import type { TestServer } from "./server.js";

const ORG = ["--org", "example"];

/** Of what is printed, the link for applications; another line is for browsers. */
function linkIn(printed: string): string {
  return printed.split("\n").find((line) => line.startsWith("parlour://")) ?? "";
}

/** An account, and the code of its sign-in link. */
export function addUser(server: TestServer, subject: string, ...more: string[]): string {
  const link = server.command("user", "add", subject, ...ORG, ...more);
  return parseSignInLink(linkIn(link)).code;
}

/** The code of another link for an account. */
export function linkFor(server: TestServer, subject: string): SignIn {
  return SignIn.code(parseSignInLink(linkIn(server.command("user", "link", subject, ...ORG))).code);
}

/** An invite's code. */
export function invite(server: TestServer, ...more: string[]): string {
  const link = parseSignInLink(linkIn(server.command("invite", "create", ...ORG, ...more)));
  if (!link.isInvite) throw new Error("no invite");
  return link.code;
}
