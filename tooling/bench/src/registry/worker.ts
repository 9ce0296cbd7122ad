/** A process with one node, which does what its parent says. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { NodeId } from "@foundation/core";
import { answerOrders } from "../processes/worker-process.js";
import { BenchNode } from "./node.js";

export type Order =
  | { readonly type: "start"; readonly id: NodeId; readonly peers: readonly string[] }
  | { readonly type: "members"; readonly count: number }
  | { readonly type: "spawn"; readonly count: number }
  | {
      readonly type: "register";
      readonly prefix: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly type: "unregister"; readonly prefix: string; readonly count: number }
  | { readonly type: "seen"; readonly names: number }
  | {
      readonly type: "lookups";
      readonly prefix: string;
      readonly names: number;
      readonly forMs: number;
    }
  | { readonly type: "select"; readonly prefix: string }
  | { readonly type: "heap" };

let node: BenchNode | undefined;

async function obey(order: Order): Promise<unknown> {
  if (order.type === "start") {
    const made = await BenchNode.start(order.id, order.peers);
    node = made.node;
    return made.started;
  }
  if (order.type === "heap") return heapBytes();
  if (node === undefined) throw new Error("start comes first");
  switch (order.type) {
    case "members":
      return node.members(order.count);
    case "spawn":
      await node.spawn(order.count);
      return true;
    case "register":
      return node.register(order.prefix, order.from, order.to);
    case "unregister":
      return node.unregister(order.prefix, order.count);
    case "seen":
      return node.seen(order.names);
    case "lookups":
      return node.lookups(order.prefix, order.names, order.forMs);
    case "select":
      return node.select(order.prefix);
    default:
      return order satisfies never;
  }
}

/** What is left after everything was collected that can be. */
async function heapBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  await new Promise((resolve) => setTimeout(resolve, 50));
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

answerOrders(obey);
