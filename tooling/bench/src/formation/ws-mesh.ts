/**
 * Bare `ws`: what one writes without a framework, and the least that makes a full mesh. The first
 * node is the registry: a newcomer greets it, learns who came before, and dials each of them, so
 * every pair has one connection. No identity, no check of anything, nobody is ever missed.
 *
 * It loads `ws` by `require`: in Node 20 that takes a third of the time of `import`, and this is the
 * limit that ours is held against.
 */
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type * as Ws from "ws";
import type { Contestant, Started } from "./contestant.js";

const { WebSocket, WebSocketServer } = createRequire(import.meta.url)("ws") as typeof Ws;

interface Hello {
  readonly address: string;
  /** Who came before; only the registry knows. */
  readonly before: readonly string[];
}

/** A registry that does not listen yet is dialled again after this. */
const RETRY_MS = 10;
const plain = { perMessageDeflate: false } as const;

export const wsMesh: Contestant = {
  start: ({ index, nodes, seedPort }) => joinMesh(nodes, seedPort, index === 0),
};

export async function joinMesh(
  nodes: number,
  registryPort: number,
  isRegistry: boolean,
): Promise<Started> {
  const node = new MeshNode(nodes);
  await node.listen(isRegistry ? registryPort : 0, isRegistry);
  if (!isRegistry) node.dial(`ws://127.0.0.1:${registryPort}`);
  return { full: node.full };
}

class MeshNode {
  readonly full: Promise<void>;
  readonly #others: number;
  readonly #linked = new Set<string>();
  readonly #before: string[] = [];
  #address = "";
  #isFull = () => {};

  constructor(nodes: number) {
    this.#others = nodes - 1;
    this.full = new Promise((resolve) => {
      this.#isFull = resolve;
    });
  }

  async listen(port: number, isRegistry: boolean): Promise<void> {
    const server = new WebSocketServer({ host: "127.0.0.1", port, ...plain });
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.once("message", (data) => {
        const { address } = hello(data);
        this.#greet(socket);
        if (isRegistry) this.#before.push(address);
        this.#add(address);
      });
    });
    await new Promise<void>((resolve) => server.once("listening", () => resolve()));
    this.#address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  dial(address: string): void {
    const socket = new WebSocket(address, plain);
    socket.once("open", () => this.#greet(socket));
    socket.once("message", (data) => {
      this.#add(address);
      for (const earlier of hello(data).before) this.dial(earlier);
    });
    socket.on("error", () => setTimeout(() => this.dial(address), RETRY_MS));
  }

  #greet(socket: Ws.WebSocket): void {
    const greeting: Hello = { address: this.#address, before: this.#before };
    socket.send(JSON.stringify(greeting));
  }

  #add(address: string): void {
    this.#linked.add(address);
    if (this.#linked.size === this.#others) this.#isFull();
  }
}

function hello(data: Ws.RawData): Hello {
  return JSON.parse((data as Buffer).toString("utf8")) as Hello;
}
