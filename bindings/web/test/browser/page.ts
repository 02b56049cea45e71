// What the pages of the test run: the client, where the test can reach it.

import * as files from "../../src/files.js";
import * as client from "../../src/index.js";
import { IndexedDbCache } from "../../src/indexeddb.js";
import * as signIn from "../../src/sign-in.js";

declare global {
  var parlour: typeof client & typeof files & typeof signIn & { IndexedDbCache: typeof IndexedDbCache };
}

globalThis.parlour = { ...client, ...files, ...signIn, IndexedDbCache };
