// What a page imports that signs its user in without passkeys: it is measured, not run.

export * from "../../src/index.js";
export { Account, IndexedDbLoginStore, Login, offered, parseSignInLink, SignIn } from "../../src/sign-in.js";
