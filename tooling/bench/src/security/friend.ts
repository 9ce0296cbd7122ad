/** A member of good will in a process of its own: asks the node one thing after the other and keeps the times. */
import { silentLogger, type NodeId } from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { setTimeout as sleep } from "node:timers/promises";
import { answerOrders } from "../processes/worker-process.js";
import { CLUSTER, ECHO, SECRET } from "./wire.js";

export type Order =
  | { readonly type: "join"; readonly address: string; readonly id: string }
  | { readonly type: "measure"; readonly durationMs: number; readonly subject?: string }
  | { readonly type: "leave" };

export interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
  readonly failed: number;
}

const JOIN_MS_MAX = 8_000;
/** Between two requests: a load that is steady, and no flood of its own. */
const GAP_MS = 1;
let overlay: Overlay | undefined;
let to: NodeId | undefined;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "join":
      return joinNode(order.address, order.id as NodeId);
    case "measure":
      return measure(order.durationMs, order.subject ?? ECHO);
    case "leave":
      await overlay?.leave();
      return true;
    default:
      return order satisfies never;
  }
}

async function joinNode(address: string, id: NodeId): Promise<boolean> {
  overlay = await createOverlay({
    cluster: CLUSTER,
    secret: SECRET,
    peers: [address],
    tls: address.startsWith("wss:") ? "psk" : "off",
    runtime: { logger: silentLogger() },
  });
  to = id;
  const deadline = performance.now() + JOIN_MS_MAX;
  while (overlay.membership.member(id) === undefined) {
    if (performance.now() > deadline) return false;
    await sleep(5);
  }
  const route = { to: id, channel: "data", subject: ECHO };
  return (await overlay.messenger.request(route, "alive")) === "alive";
}

async function measure(durationMs: number, subject: string): Promise<Times> {
  const until = performance.now() + durationMs;
  const route = { to: to as NodeId, channel: "data", subject };
  const times: number[] = [];
  let failed = 0;
  while (performance.now() < until) {
    const started = performance.now();
    try {
      await overlay?.messenger.request(route, started);
      times.push(performance.now() - started);
    } catch {
      failed += 1;
    }
    await sleep(GAP_MS);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(part * times.length)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), count: times.length, failed };
}

answerOrders(obey);
