/** Signing in with an account that the server itself keeps, and what its user does about it. */

export { Account, type ListedLogin, type LoginId } from "./sign-in/account.js";
export { type Credentials, canAutofillPasskeys, canUsePasskeys } from "./sign-in/credentials.js";
export { type NewAccount, SignIn } from "./sign-in/how.js";
export { LinkError, type LinkFault, parseSignInLink, type SignInLink } from "./sign-in/link.js";
export { Login, type LoginOptions, type LoginUser } from "./sign-in/login.js";
export { type IdentityProvider, type Offered, type OfferedOptions, offered } from "./sign-in/offered.js";
export { askForPasskey, type PasskeyOptions } from "./sign-in/passkey.js";
export {
  type AddPasskeyOptions,
  type NewPasskey,
  type Passkey,
  type PasskeyId,
  Passkeys,
} from "./sign-in/passkeys.js";
export { IndexedDbLoginStore, LocalLoginStore, type LoginStore, type TextStorage } from "./sign-in/store.js";
