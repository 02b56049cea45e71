// A small chat in React, for the test to look at.

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Client, type Room } from "../../src/index.js";
import { useClientState, useRoom, useRooms, useTimeline } from "../../src/react.js";

function Chat({ client, room }: { client: Client; room: Room }) {
  const { items, timeline } = useTimeline(room);
  const summary = useRoom(client, room.id);
  return (
    <main>
      <h1>{summary?.name}</h1>
      <ol>{items.map((item) => (item.type === "message" ? <li key={item.key}>{item.text}</li> : null))}</ol>
      <button type="button" onClick={() => void timeline?.loadOlder()}>
        older
      </button>
    </main>
  );
}

function App({ client }: { client: Client }) {
  const rooms = useRooms(client);
  const state = useClientState(client);
  const [at, setAt] = useState(0);
  const room = rooms[at];
  return (
    <>
      <p>{state.type}</p>
      <nav>
        {rooms.map((one, n) => (
          <button type="button" key={one.id} onClick={() => setAt(n)}>
            {one.name}
          </button>
        ))}
      </nav>
      {room ? <Chat client={client} room={client.room(room.id)} /> : null}
    </>
  );
}

Object.assign(globalThis, {
  async show(options: { url: string; token: string }) {
    const client = await Client.connect(options);
    createRoot(document.body.appendChild(document.createElement("div"))).render(
      <StrictMode>
        <App client={client} />
      </StrictMode>,
    );
    Object.assign(globalThis, { client });
  },
});
