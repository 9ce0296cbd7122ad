/** The node whose memory is read: it has links to many, and sends to one as fast as it is let. */
import { silentLogger, type NodeId } from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { answerOrders } from "../processes/worker-process.js";
import { memoryNow, type MemoryReading } from "../security/node-memory.js";
import { CLUSTER, ECHO, SECRET } from "../security/wire.js";
import { HANG, SINK } from "./names.js";

export type Order =
  | { readonly type: "start" }
  | { readonly type: "state" }
  | { readonly type: "reset" }
  | { readonly type: "wait-for"; readonly id: string }
  /** One message on each of so many channels, so that they are open. */
  | { readonly type: "open-channels"; readonly to: string; readonly count: number }
  | { readonly type: "send"; readonly to: string; readonly count: number }
  /** Sends until it is stopped. */
  | { readonly type: "flood"; readonly to: string; readonly subject: string }
  | { readonly type: "stop" };

export interface State {
  readonly memory: MemoryReading;
  readonly peakRssBytes: number;
  readonly links: number;
  /** The peer of each that is up, as often as there are links to it. */
  readonly peersUp: readonly string[];
  /** What the flood has got rid of, and what was refused. */
  readonly accepted: number;
  readonly full: number;
  readonly stalls: number;
  readonly heldBytes: number;
  readonly queuedBytes: number;
}

const SAMPLE_MS = 50;
const BURST = 256;
/** Sends that wait for room beside those that do not wait. */
const WAITING = 64;
const JOIN_MS_MAX = 10_000;
const event = {
  type: "order.placed",
  id: "o-0000123456",
  cents: 1299,
  customer: "ann",
  tags: ["new", "eu"],
};

let overlay: Overlay;
let peakRssBytes = 0;
let flooding = false;
let accepted = 0;
let full = 0;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "start":
      return start();
    case "state":
      return state();
    case "reset":
      peakRssBytes = 0;
      accepted = 0;
      full = 0;
      return true;
    case "wait-for":
      return waitFor(order.id);
    case "open-channels":
      return openChannels(order.to as NodeId, order.count);
    case "send":
      return sendMany(order.to as NodeId, order.count);
    case "flood":
      flooding = true;
      void flood(order.to as NodeId, order.subject);
      return true;
    case "stop":
      flooding = false;
      return true;
    default:
      return order satisfies never;
  }
}

async function start() {
  overlay = await createOverlay({
    cluster: CLUSTER,
    secret: SECRET,
    runtime: { logger: silentLogger() },
  });
  overlay.messenger.handle(ECHO, ({ payload }) => payload);
  overlay.messenger.handle(HANG, () => new Promise(() => {}));
  setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }, SAMPLE_MS);
  return { address: overlay.address, id: overlay.self.id };
}

async function waitFor(id: string): Promise<boolean> {
  const deadline = performance.now() + JOIN_MS_MAX;
  while (overlay.membership.member(id as NodeId) === undefined) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

async function state(): Promise<State> {
  const links = overlay.links().filter(({ peer }) => peer !== overlay.self.id);
  const sum = (of: (link: (typeof links)[number]) => number) =>
    links.reduce((total, link) => total + of(link), 0);
  const peersUp = links.filter(({ up }) => up).map(({ peer }) => peer as string);
  return {
    memory: await memoryNow(),
    peakRssBytes,
    links: peersUp.length,
    peersUp,
    accepted,
    full,
    stalls: sum((link) => link.stalls),
    heldBytes: sum((link) => link.heldBytes),
    queuedBytes: sum((link) => link.queuedBytes),
  };
}

async function openChannels(to: NodeId, count: number): Promise<number> {
  const channels = Array.from({ length: count }, (_, i) => `siege-${i}`);
  const asked = channels.map((channel) =>
    overlay.messenger.request({ to, channel, subject: ECHO }, channel, { timeoutMs: 20_000 }),
  );
  return (await Promise.all(asked)).filter((answer, i) => answer === channels[i]).length;
}

async function sendMany(to: NodeId, count: number): Promise<number> {
  const route = { to, channel: "data", subject: SINK };
  for (let sent = 0; sent < count; sent += 1) {
    if (overlay.messenger.trySend(route, event) === "full") {
      await overlay.messenger.send(route, event);
    }
    if (sent % BURST === 0) await new Promise(setImmediate);
  }
  // The answer comes after all of them.
  await overlay.messenger.request({ to, channel: "data", subject: ECHO }, "done", {
    timeoutMs: 50_000,
  });
  return count;
}

/** As fast as it goes, with a few sends that wait; never more of them, whatever is refused. */
async function flood(to: NodeId, subject: string): Promise<void> {
  const route = { to, channel: "data", subject };
  let waiting = 0;
  const done = () => {
    waiting -= 1;
  };
  while (flooding) {
    for (let i = 0; i < BURST; i += 1) {
      if (overlay.messenger.trySend(route, event) === "accepted") {
        accepted += 1;
        continue;
      }
      full += 1;
      if (waiting < WAITING) {
        waiting += 1;
        overlay.messenger.send(route, event).then(done, done);
      }
    }
    await new Promise(setImmediate);
  }
}

answerOrders(obey);
