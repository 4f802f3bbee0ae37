// What a marketplace would write today: Socket.IO rooms, the `obscenity` filter, a pattern for contact details, and one
// INSERT a message. Arguments: the database's URL and, where there are several of them, that of a Redis for Socket.IO's
// adapter. Prints the port it listens on.
import { createServer } from "node:http";
import {
  RegExpMatcher,
  TextCensor,
  asteriskCensorStrategy,
  englishDataset,
  englishRecommendedTransformers,
} from "obscenity";
import { createAdapter } from "@socket.io/redis-adapter";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const CONTACT =
  /[\w.+-]+@[\w-]+\.[\w.]+|https?:\/\/\S+|\bwww\.\S+|(?:\+?\d[\s().-]?){8,15}|\b(?:whats?app|telegram|instagram)\b/i;

const pool = new pg.Pool({ connectionString: process.argv[2] });
await pool.query(`CREATE TABLE IF NOT EXISTS messages (
  id bigserial PRIMARY KEY, conversation text NOT NULL, author text NOT NULL, body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now())`);
await pool.query("CREATE INDEX IF NOT EXISTS messages_by_conversation ON messages (conversation, id)");

const matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });
const censor = new TextCensor().setStrategy(asteriskCensorStrategy());

const server = createServer();
const io = new Server(server, { serveClient: false });
if (process.argv[3]) {
  const told = createClient({ url: process.argv[3] });
  const heard = told.duplicate();
  await Promise.all([told.connect(), heard.connect()]);
  io.adapter(createAdapter(told, heard));
}

io.use((socket, next) => {
  const [conversation, participant] = String(socket.handshake.auth.token).split("/");
  if (!participant) return next(new Error("unauthenticated"));
  socket.data = { conversation, participant };
  next();
});

io.on("connection", (socket) => {
  const { conversation, participant } = socket.data;
  socket.join(conversation);

  socket.on("post", async (post, answer) => {
    if (typeof post?.text !== "string" || post.text.length > 4000 || post.conversation !== conversation) {
      return answer({ ok: false, code: "bad_request" });
    }
    if (CONTACT.test(post.text)) return answer({ ok: false, code: "contact" });
    const found = matcher.getAllMatches(post.text);
    const text = found.length ? censor.applyTo(post.text, found) : post.text;
    try {
      const { rows } = await pool.query(
        "INSERT INTO messages (conversation, author, body) VALUES ($1, $2, $3) RETURNING id, created_at",
        [conversation, participant, text],
      );
      const { id, created_at: at } = rows[0];
      answer({ ok: true, id });
      io.to(conversation).emit("posted", { id, conversation, author: participant, text, at });
    } catch (problem) {
      console.error(problem);
      answer({ ok: false, code: "unavailable" });
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
