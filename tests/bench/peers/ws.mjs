// The plain `ws` peer: one letter of kind before each text message, rooms as sets of sockets.
//   client: `p<room>\n<text>` posts     server: `r<digests>` ready, `m<text>` a post, `a<number>`

import { WebSocketServer } from "ws";
import { carrier, digests, listen, options, verify } from "./common.mjs";

const given = options();
const rooms = new Map();

function join(socket, room) {
  if (!rooms.has(room)) rooms.set(room, new Set());
  rooms.get(room).add(socket);
}

function relay(room, text) {
  const line = `m${text}`;
  for (const member of rooms.get(room) ?? []) member.send(line);
}

const server = carrier(given);
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on("connection", (socket, request) => {
  let claims;
  try {
    claims = verify(new URL(request.url, "http://peer").searchParams.get("token"), given.secret);
  } catch {
    socket.close(4401);
    return;
  }
  for (const room of claims.rooms) join(socket, room);
  socket.on("message", (data) => {
    const line = data.toString();
    const end = line.indexOf("\n");
    const text = line.slice(end + 1);
    relay(line.slice(1, end), text);
    socket.send(`a${text.slice(0, 10)}`);
  });
  socket.on("close", () => {
    for (const room of claims.rooms) rooms.get(room).delete(socket);
  });
  socket.send(`r${JSON.stringify(digests(claims.rooms))}`);
});

listen(server, given);
