/** A TCP proxy in front of one server: what a request needs to be caught between sent and answered. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Proxy extends AsyncDisposable {
  /** `host:port` for clients. */
  readonly address: string;
  /** Bytes that clients have sent to the server so far. */
  readonly sentBytes: number;
  /** Bytes that the server has answered so far, held back or not. */
  readonly answeredBytes: number;
  /** Whether the server's answers are held back: they never arrive. */
  holdsAnswers: boolean;
  /** Ends every connection at once. */
  cut(): void;
}

/** @param target `host:port` of the server */
export async function startProxy(target: string): Promise<Proxy> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  const counts = { sent: 0, answered: 0 };
  let holdsAnswers = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    keep(client);
    keep(upstream);
    client.on("data", (chunk) => {
      counts.sent += chunk.length;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      counts.answered += chunk.length;
      if (!holdsAnswers) client.write(chunk);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sentBytes() {
      return counts.sent;
    },
    get answeredBytes() {
      return counts.answered;
    },
    get holdsAnswers() {
      return holdsAnswers;
    },
    set holdsAnswers(holds) {
      holdsAnswers = holds;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
