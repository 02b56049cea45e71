/**
 * Sign-in links and invites as people get them, in two forms with the same content:
 *
 * - `parlour://chat.example.org:4433/sign-in#code=CODE&pin=SHA256`, or `/invite#...`, for programs that dial
 *   QUIC: the port is that of UDP, and the pin the hash of a certificate that the server made for itself.
 * - `https://chat.example.org/#sign-in=CODE`, or `#invite=CODE`, for pages: any path, and the code behind the
 *   `#`, which a browser sends to nobody. The server is the one whose page it is; a link can't name another, or
 *   a page would show its own face for a stranger's server. CODE is as in the other form, percent-encoded where
 *   it has anything but `A-Z a-z 0-9 - _ . ~`.
 *
 * A page that has read its own address takes the code out of it: `history.replaceState(null, "", location.pathname)`.
 */

/** What is wrong with a link: its address, what it is for, its code, or its pin. */
export type LinkFault = "address" | "kind" | "code" | "pin";

/** A text is no such link. Its message never says what the text was. */
export class LinkError extends Error {
  override readonly name = "LinkError";

  constructor(readonly fault: LinkFault) {
    super(`no sign-in link: ${fault}`);
  }
}

/** A link that was read. What is in it is a secret: never in a log. */
export interface SignInLink {
  /** The code, for `SignIn.code` or `SignIn.invite`. */
  readonly code: string;
  /** Whether it is an invite: then whoever takes it says what they are called. */
  readonly isInvite: boolean;
  /** The server's HTTP address: of a `parlour:` link it is guessed, HTTPS at its usual port. */
  readonly url: string;
}

const KINDS = ["sign-in", "invite"] as const;

/** Reads a link of either form. Throws `LinkError`. */
export function parseSignInLink(text: string): SignInLink {
  const [, scheme, address = "", rest = ""] = /^(parlour|https?):\/\/([^/#?]*)(.*)$/.exec(text.trim()) ?? [];
  if (scheme === undefined) throw new LinkError("address");
  return scheme === "parlour" ? ofProgram(address, rest) : ofPage(`${scheme}://${address}`, rest);
}

function ofProgram(address: string, rest: string): SignInLink {
  const [, host] = /^([^:[\]@\s]+|\[[0-9a-f:.]+\]):\d{1,5}$/i.exec(address) ?? [];
  if (host === undefined || !rest.startsWith("/")) throw new LinkError("address");
  const [kind, fields = ""] = rest.slice(1).split("#", 2);
  const isInvite = kind === "invite";
  if (!isInvite && kind !== "sign-in") throw new LinkError("kind");
  const field = fieldsOf(fields);
  const pin = field("pin");
  if (pin !== undefined && !/^[0-9a-f]{64}$/i.test(pin)) throw new LinkError("pin");
  return { code: codeOf(field("code")), isInvite, url: originOf(`https://${host}`) };
}

function ofPage(origin: string, rest: string): SignInLink {
  const url = originOf(origin);
  const [, fragment = ""] = /#(.*)$/.exec(rest) ?? [];
  const field = fieldsOf(fragment);
  const kind = KINDS.find((name) => field(name) !== undefined);
  if (kind === undefined) throw new LinkError("kind");
  return { code: codeOf(field(kind)), isInvite: kind === "invite", url };
}

function originOf(address: string): string {
  try {
    return new URL(address).origin;
  } catch {
    throw new LinkError("address");
  }
}

/** The first value of each name. */
function fieldsOf(text: string): (name: string) => string | undefined {
  const fields = text.split("&");
  return (name) => fields.find((field) => field.startsWith(`${name}=`))?.slice(name.length + 1);
}

function codeOf(field: string | undefined): string {
  try {
    const code = decodeURIComponent(field ?? "");
    if (code !== "") return code;
  } catch {
    // Cut off within a percent sign's digits.
  }
  throw new LinkError("code");
}
