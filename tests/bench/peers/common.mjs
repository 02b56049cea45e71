// What both peers share: arguments, the listening socket with or without TLS, tokens, rooms.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import jwt from "jsonwebtoken";

/** Reads `--name value` pairs. */
export function options() {
  const words = process.argv.slice(2);
  const found = {};
  for (let at = 0; at + 1 < words.length; at += 2) found[words[at].slice(2)] = words[at + 1];
  return found;
}

/** A server with TLS when a certificate is given, without otherwise. */
export function carrier({ cert, key }) {
  if (!cert) return http.createServer();
  return https.createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: "TLSv1.3" });
}

/** Listens, and says where in the one line the harness waits for. */
export function listen(server, { host = "127.0.0.1", port = "0" }) {
  server.listen({ host, port: Number(port), backlog: 4096 }, () => {
    console.log(`listening ${server.address().port}`);
  });
  process.on("SIGTERM", () => process.exit(0));
}

/** The claims of a token, or an exception. */
export function verify(token, secret) {
  return jwt.verify(token, secret, { algorithms: ["HS256"] });
}

/** What a newly connected client is told about its rooms: the line of a list for each. */
export function digests(rooms) {
  return rooms.map((id) => ({ id, name: `room ${id}`, head: 0, unread: 0, mentions: 0 }));
}
