/** A bare TCP peer in a namespace: listens or dials, sends when told, and tells what it hears. */
import { connect, createServer } from "node:net";

const [, , role, host, port] = process.argv;
process.on("disconnect", () => process.exit(0));

const tell = (event, value) => process.send?.({ event, value });
const follow = (socket) => {
  process.on("message", ({ send }) => socket.write(Buffer.alloc(send)));
  socket.on("data", (data) => tell("bytes", data.length));
  socket.on("error", (error) => tell("error", error.code));
  socket.on("close", () => tell("close"));
};

if (role === "listen") {
  createServer((socket) => {
    tell("accepted");
    follow(socket);
  }).listen(Number(port), host, () => tell("listening"));
} else {
  const socket = connect(Number(port), host, () => tell("connected"));
  follow(socket);
}
