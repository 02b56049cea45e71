// The Socket.IO peer, as its own documentation would have it written: token in the handshake's
// `auth`, rooms joined on connection, acknowledgements, connection state recovery where asked for,
// and PostgreSQL with an awaited insert where a database is given.

import pg from "pg";
import { Server } from "socket.io";
import { carrier, digests, listen, options, verify } from "./common.mjs";

const given = options();

const INSERT = "INSERT INTO messages (room, sender, body) VALUES ($1, $2, $3) RETURNING id";
const PAGE =
  "SELECT id, sender, body, at FROM messages WHERE room = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
const NEWEST = "9223372036854775807";

const database = given.postgres
  ? new pg.Pool({ connectionString: given.postgres, max: Number(given.pool ?? 16) })
  : null;

const server = carrier(given);
const io = new Server(server, {
  transports: ["websocket"],
  serveClient: false,
  ...(given.recover && { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } }),
});

io.use((socket, next) => {
  try {
    socket.data.claims = verify(socket.handshake.auth.token, given.secret);
    next();
  } catch (error) {
    next(error);
  }
});

io.on("connection", (socket) => {
  const { sub, rooms } = socket.data.claims;
  socket.join(rooms);
  socket.on("post", async (room, text, ack) => {
    if (database) await database.query({ name: "insert", text: INSERT, values: [room, sub, text] });
    io.to(room).emit("m", given.full ? full(room, sub, text) : text);
    ack?.();
  });
  socket.on("page", async (room, before, limit, ack) => {
    const values = [room, before || NEWEST, limit];
    ack((await database.query({ name: "page", text: PAGE, values })).rows);
  });
  socket.on("bulk", (bytes) => bulk(socket, bytes));
  socket.emit("ready", digests(rooms));
});

let count = 0;

/** A message as a chat shows it: what Parlour's header carries, in JSON. */
function full(room, sender, text) {
  count += 1;
  return { id: crypto.randomUUID(), seq: count, room, sender, at: Date.now(), text };
}

/** A transfer over the connection itself, in chunks, as fast as it takes them. */
function bulk(socket, bytes) {
  const chunk = "b".repeat(65_536);
  for (let sent = 0; sent < bytes; sent += chunk.length) socket.emit("b", chunk);
  socket.emit("bulk-end");
}

listen(server, given);
