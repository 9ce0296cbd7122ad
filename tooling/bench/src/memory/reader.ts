/** A peer that can stop reading one channel's connection, as a stuck program or a full disk would. */
import { silentLogger, type Connection, type Transport } from "@foundation/core";
import { createOverlay, websocketTransport, type Overlay } from "@foundation/overlay";
import { answerOrders } from "../processes/worker-process.js";
import { memoryNow, type MemoryReading } from "../security/node-memory.js";
import { CLUSTER, ECHO, SECRET } from "../security/wire.js";
import { HANG, SINK } from "./names.js";

export type Order =
  | { readonly type: "join"; readonly address: string }
  | { readonly type: "stop-reading" }
  | { readonly type: "state" };

export interface State {
  readonly memory: MemoryReading;
  readonly received: number;
  readonly heldBytes: number;
  readonly windowBytes: number;
}

const CHANNEL = '"channel":"data"';
let overlay: Overlay;
let received = 0;
let reads = true;
const connections = new Set<Connection>();

/** Notes the connections of the channel, by the hello that crosses them. */
function noting(transport: Transport): Transport {
  const note = (connection: Connection): Connection => {
    const looksAt = (frame: Uint8Array) => {
      if (frame[0] === 0x7b && Buffer.from(frame).includes(CHANNEL)) {
        connections.add(connection);
        if (!reads) connection.pause();
      }
    };
    return new Proxy(connection, {
      get(target, name) {
        if (name === "send") {
          return (frame: Uint8Array) => {
            looksAt(frame);
            target.send(frame);
          };
        }
        if (name === "onFrame") {
          return (receive: (frame: Uint8Array) => void) =>
            target.onFrame((frame) => {
              looksAt(frame);
              receive(frame);
            });
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return {
    frameBytesMax: transport.frameBytesMax,
    listen: (options, onConnection) =>
      transport.listen(options, (each) => onConnection(note(each))),
    dial: async (address, options) => note(await transport.dial(address, options)),
  };
}

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "join":
      overlay = await createOverlay({
        cluster: CLUSTER,
        secret: SECRET,
        peers: [order.address],
        runtime: { logger: silentLogger(), transport: noting(websocketTransport()) },
      });
      overlay.messenger.handle(ECHO, ({ payload }) => payload);
      overlay.messenger.handle(SINK, () => {
        received += 1;
      });
      overlay.messenger.handle(HANG, () => new Promise(() => {}));
      return overlay.self.id;
    case "stop-reading":
      reads = false;
      for (const connection of connections) connection.pause();
      return connections.size;
    case "state": {
      const data = overlay.links().filter(({ channel }) => channel === "data");
      const memory = await memoryNow();
      const state: State = {
        memory,
        received,
        heldBytes: Math.max(0, ...data.map(({ heldBytes }) => heldBytes)),
        windowBytes: Math.max(0, ...data.map(({ windowBytes }) => windowBytes)),
      };
      return state;
    }
    default:
      return order satisfies never;
  }
}

answerOrders(obey);
