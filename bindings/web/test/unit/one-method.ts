// What somebody writes who wants one method and nothing else of the client: it is measured, not run.

import { decode, encode } from "../../src/proto.js";
import * as rpc from "../../src/rpc.js";

const request = encode(rpc.ListBans.request, {});
export const answer = decode(rpc.ListBans.response, request);
