/** The two sides under test: our listener, with a raw client before it, and our dialer, with a raw server. */
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Connection } from "@foundation/core";
import { websocketTransport } from "@foundation/overlay";

export const PATH = "/_foundation";
export const SUBPROTOCOL = "foundation.1";
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_END = "\r\n\r\n";

/** What the case list is played against. */
export interface Side {
  /** A socket whose WebSocket handshake is done, with the echo behind its other end. */
  open(): Promise<Socket>;
  close(): Promise<void>;
}

/** Sends every frame back, as the suite's echo servers and clients do. */
export function echo(connection: Connection): void {
  connection.onFrame((frame) => connection.send(Uint8Array.from(frame)));
}

export async function listenerSide(): Promise<Side> {
  const listener = await websocketTransport().listen({ host: "127.0.0.1", port: 0 }, echo);
  const port = Number(new URL(listener.address).port);
  return {
    open: async () => {
      const { socket, head } = await requestUpgrade(port, upgradeRequest());
      if (!head.startsWith("HTTP/1.1 101 "))
        throw new Error(`no upgrade: ${head.split("\r\n")[0]}`);
      return socket;
    },
    close: () => listener.close(),
  };
}

/** The headers of a good upgrade, for cases to change. */
export function upgradeHeaders(): Map<string, string> {
  return new Map([
    ["Host", "127.0.0.1"],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", randomBytes(16).toString("base64")],
    ["Sec-WebSocket-Protocol", SUBPROTOCOL],
  ]);
}

export function upgradeRequest(headers = upgradeHeaders(), path = PATH): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** Sends a request; answers its head, with the socket right behind it. */
export async function requestUpgrade(
  port: number,
  request: string,
): Promise<{ readonly socket: Socket; readonly head: string }> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(request);
  return { socket, head: await readHead(socket) };
}

/** Reads up to the empty line of an HTTP head; what comes after it is put back. */
export function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onData = (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return;
      stop();
      socket.pause();
      const rest = bytes.subarray(end + HEAD_END.length);
      if (rest.length > 0) socket.unshift(rest);
      resolve(bytes.subarray(0, end).toString("latin1"));
    };
    const onEnd = () => {
      stop();
      reject(new Error(`the connection ended after ${bytes.length} bytes of a head`));
    };
    const stop = () => {
      socket.off("data", onData).off("close", onEnd).off("error", onEnd);
    };
    socket.on("data", onData).on("close", onEnd).on("error", onEnd);
  });
}

/** What a raw server answers to our dialer's request. */
export type Answer = (key: string) => string;

export const goodAnswer: Answer = (key) =>
  [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    "",
    "",
  ].join("\r\n");

export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + ACCEPT_GUID)
    .digest("base64");
}

/** A raw server that our dialer is pointed at. */
export async function rawServer(): Promise<{
  /** Dials it with our transport; answers both ends. @throws what the dial failed with */
  dial(answer: Answer): Promise<{ readonly socket: Socket; readonly request: string }>;
  close(): Promise<void>;
}> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = websocketTransport();
  const open = new Set<Socket>();
  /** One dial at a time, so that a socket is its dial's. */
  let turn: Promise<unknown> = Promise.resolve();
  const dialOnce = async (answer: Answer) => {
    const accepted = new Promise<{ socket: Socket; request: string }>((resolve, reject) => {
      server.once("connection", (socket) => {
        open.add(socket);
        socket.once("close", () => open.delete(socket));
        socket.on("error", () => {});
        readHead(socket).then((request) => {
          const key = /^sec-websocket-key: (.+)$/im.exec(request)?.[1]?.trim() ?? "";
          socket.write(answer(key));
          resolve({ socket, request });
        }, reject);
      });
    });
    const { signal } = new AbortController();
    const dialled = transport.dial(`ws://127.0.0.1:${port}`, { signal });
    const [both, connection] = await Promise.all([accepted, dialled]);
    echo(connection);
    return both;
  };
  return {
    dial: (answer) => {
      const next = turn.then(() => dialOnce(answer));
      turn = next.catch(() => {});
      return next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export async function dialerSide(): Promise<Side> {
  const server = await rawServer();
  return {
    open: async () => (await server.dial(goodAnswer)).socket,
    close: () => server.close(),
  };
}
