// A hub that only relays, on Node `ws`: parse, give a number, write to every member. It judges and stores nothing.
// Prints the port it listens on.
import { WebSocket, WebSocketServer } from "ws";

const rooms = new Map();

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, maxPayload: 64 * 1024 });

server.on("listening", () => console.log(server.address().port));

server.on("connection", (socket) => {
  let room;
  let author;

  socket.on("message", (data) => {
    const command = JSON.parse(data);
    if (command.type === "hello") {
      const [conversation, participant] = command.token.split("/");
      if (!rooms.has(conversation)) rooms.set(conversation, { seq: 0, members: new Set() });
      room = rooms.get(conversation);
      room.members.add(socket);
      author = participant;
      socket.send(JSON.stringify({ type: "welcome", participant }));
    } else if (command.type === "post") {
      const { ref, client_id, conversation, text } = command;
      const seq = ++room.seq;
      const id = `${conversation}-${seq}`;
      socket.send(JSON.stringify({ type: "accepted", ref, client_id, id, seq, verdict: "allow" }));
      const frame = JSON.stringify({
        type: "posted", conversation, seq, id, author, role: "buyer", text, at: Date.now(), version: seq,
      });
      for (const member of room.members) if (member.readyState === WebSocket.OPEN) member.send(frame);
    }
  });

  socket.on("close", () => room?.members.delete(socket));
});
