/** A node, or its strangers, in a process of its own on a host of its own: does what it is told by its parent. */
import { createKeyRing } from "@foundation/core";
import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "node:net";
import type { Overlay } from "../../src/index.js";
import { clientTls, contextOf } from "../../src/websocket/transport-tls.js";
import { SECRET } from "./overlay-cluster.js";
import { SecurityNodes } from "./security-nodes.js";

export type Order =
  | {
      readonly type: "start";
      readonly host: string;
      readonly peers: readonly string[];
      /** So many at once; the address of the first is answered. */
      readonly count: number;
      /** In front of the right one, in the key ring. */
      readonly first?: string;
    }
  /** Answers `DoorState`. */
  | { readonly type: "state" }
  /** Opens so many connections at once that say nothing; answers how many stay. */
  | { readonly type: "silent"; readonly address: string; readonly count: number }
  /** Opens one connection after the other, and closes each; answers how many milliseconds it took. */
  | { readonly type: "knock"; readonly address: string; readonly count: number }
  /** TLS handshakes one after the other; answers how many succeeded. */
  | {
      readonly type: "keys";
      readonly address: string;
      readonly count: number;
      readonly isRight: boolean;
    };

export interface DoorState {
  readonly members: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
}

const LIMITS = ["strangersPerAddressMax", "arrivalsPerSecondMax", "failuresMax", "strangersMax"];
const SETTLE_MS = 300;
const nodes = new SecurityNodes();
const overlays: Overlay[] = [];

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "start": {
      const { host, peers, first, count } = order;
      const secret = createKeyRing(first === undefined ? SECRET : [first, SECRET]);
      const start = () => nodes.start({ host, peers: [...peers], secret });
      overlays.push(...(await Promise.all(Array.from({ length: count }, start))));
      return overlays[0]?.address;
    }
    case "state":
      return state();
    case "silent": {
      const sockets = Array.from({ length: order.count }, () => nodes.tcp(order.address));
      await sleep(SETTLE_MS);
      const stay = sockets.filter(({ destroyed }) => !destroyed).length;
      for (const socket of sockets) socket.destroy();
      return stay;
    }
    case "knock":
      return knock(order.address, order.count);
    case "keys":
      return keys(order.address, order.count, order.isRight);
    default:
      return order satisfies never;
  }
}

function state(): DoorState {
  const [overlay] = overlays;
  const refusals = overlay?.refusals() ?? [];
  return {
    members: overlay?.membership.members().length ?? 0,
    limits: Object.fromEntries(LIMITS.map((name) => [name, nodes.limit(name)])),
    refusals: Object.fromEntries(refusals.map(({ code, count }) => [code, count])),
  };
}

async function knock(address: string, count: number): Promise<number> {
  const begun = performance.now();
  for (let i = 0; i < count; i += 1) {
    const socket = nodes.tcp(address);
    await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
    await left(socket);
  }
  return performance.now() - begun;
}

async function keys(address: string, count: number, isRight: boolean): Promise<number> {
  const tls = { type: "psk", cluster: "test", keys: createKeyRing(SECRET) } as const;
  const right = clientTls(tls, contextOf(tls), tls.keys.secrets[0]);
  const wrong = { ...right, pskCallback: () => ({ psk: Buffer.alloc(32), identity: "x" }) };
  let succeeded = 0;
  for (let i = 0; i < count; i += 1) {
    const outcome = await nodes.tls(address, isRight ? right : wrong);
    if ("message" in outcome) continue;
    succeeded += 1;
    await left(outcome);
  }
  return succeeded;
}

function left(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.destroy();
  });
}

process.on("disconnect", () => process.exit(0));
process.on("message", (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer ?? false));
});
