/** A reset at any moment closes the socket: one that stays open keeps its process from ever exiting. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { reset } from "../../proxy/reset.js";

const server = createServer({ allowHalfOpen: true });
let accepted: Socket;

beforeEach(async () => {
  server.on("connection", (socket) => {
    accepted = socket.on("error", () => undefined).resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  accepted.destroy();
  server.removeAllListeners("connection").close();
  await once(server, "close");
});

async function dialled(): Promise<Socket> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  while (accepted === undefined || accepted.remotePort !== socket.localPort) {
    await new Promise((turn) => setImmediate(turn));
  }
  return socket;
}

test("a reset tells the peer so", async () => {
  const socket = await dialled();
  const broken = once(accepted, "error");
  reset(socket);
  expect(await broken).toMatchObject([{ code: "ECONNRESET" }]);
});

test("a reset in the moment of an end closes the socket", async () => {
  const socket = await dialled();
  const closed = once(socket, "close");
  socket.end();
  process.nextTick(() => reset(socket));
  await closed;
  expect(socket.destroyed).toBe(true);
});
