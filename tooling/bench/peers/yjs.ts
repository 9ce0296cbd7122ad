/** Yjs over y-websocket, with the server that belongs to it. */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { MapContestant, Replica } from "../src/crdt/contestant.js";

interface YMap {
  readonly size: number;
  set(key: string, value: string): void;
  delete(key: string): void;
}
interface Doc {
  getMap(name: string): YMap;
  transact(work: () => void): void;
}
interface Server {
  getYDoc(name: string): Doc;
  setupWSConnection(socket: unknown, request: unknown): void;
}
interface Ws {
  readonly WebSocket: unknown;
  WebSocketServer: new (
    options: object,
  ) => { on(event: string, then: Server["setupWSConnection"]): void };
}

const require = createRequire(import.meta.url);
const load = async <T>(name: string) => (await import(name)) as T;
let server: Server | undefined;

function replicaOf(doc: Doc): Replica {
  const map = doc.getMap("m");
  return {
    get size() {
      return map.size;
    },
    batch: (write) => doc.transact(() => write(map)),
  };
}

export const yjs: MapContestant = {
  async serve(port) {
    server = require("@y/websocket-server/utils") as Server;
    const { WebSocketServer } = await load<Ws>("ws");
    const http = createServer();
    new WebSocketServer({ server: http }).on("connection", server.setupWSConnection);
    await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
    return { address: `ws://127.0.0.1:${port}` };
  },
  async hold(name) {
    if (server === undefined) throw new Error("serve comes first");
    return { replica: replicaOf(server.getYDoc(name)), where: name };
  },
  async join(address, where) {
    const { Doc } = await load<{ Doc: new () => Doc }>("yjs");
    const { WebsocketProvider } = await load<{
      WebsocketProvider: new (url: string, room: string, doc: Doc, options: object) => unknown;
    }>("y-websocket");
    const { WebSocket } = await load<Ws>("ws");
    const doc = new Doc();
    new WebsocketProvider(address, where, doc, { WebSocketPolyfill: WebSocket, disableBc: true });
    return replicaOf(doc);
  },
};
