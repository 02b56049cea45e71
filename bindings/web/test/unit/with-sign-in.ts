// What a page imports that signs its user in: it is measured, not run.

export * from "../../src/index.js";
export * from "../../src/sign-in.js";
