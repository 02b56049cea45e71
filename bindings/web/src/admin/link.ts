/** Links for people, out of the codes that admins get. */

/** What a link is made of. */
export interface PageLink {
  /** Where people open the application: an HTTP address with any path. */
  readonly page: string;
  /** What `createSignInLink` or `createInvite` answered. */
  readonly code: string;
  /** Whether the code is an invite's. */
  readonly isInvite?: boolean;
}

/**
 * A link that a page reads with `parseSignInLink` of `@parlour/client/sign-in`. Whoever has it is let in: send it where
 * only its owner reads. The code is behind the `#`, which a browser sends to nobody.
 */
export function pageLink({ page, code, isInvite = false }: PageLink): string {
  const url = new URL(page);
  url.search = "";
  url.hash = `${isInvite ? "invite" : "sign-in"}=${encodeURIComponent(code)}`;
  return url.href;
}
