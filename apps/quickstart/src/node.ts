/**
 * One node of the demonstration, a process of its own. Everything about the cluster in it is what a user would write;
 * the rest reports to the conductor.
 */
import { isFoundationError, startCluster, type Cluster } from "@foundation/foundation";
import type { FromNode, ToNode } from "./messages.js";
import { orderPlaced, orders, type Placed } from "./orders.js";

/** Calls that one node keeps in flight. */
const callsInFlight = 2;
/** A caller that was refused waits so long before its next order, in ms. */
const refusedPauseMs = 20;

const expected = Number(process.argv[2] ?? 3);
const cluster = await startCluster();
const lifetime = new AbortController();
report({ type: "up", name: cluster.self.name });

void reportMembership();
void reportDeliveries();
await cluster.ready({ nodes: expected, timeout: "30s" });
report({ type: "formed" });
listenToConductor();

async function reportMembership(): Promise<void> {
  for await (const event of cluster.watch({ signal: lifetime.signal })) {
    const { type, node } = event;
    if (node === undefined) continue;
    report({ type: "membership", event: type, node: node.name, nodes: cluster.nodes().length });
  }
}

async function reportDeliveries(): Promise<void> {
  const seen = new Set<string>();
  let total = 0;
  const subscription = cluster.pubsub.subscribe(orderPlaced, { signal: lifetime.signal });
  await subscription.ready();
  report({ type: "subscribed" });
  for await (const { data } of subscription) {
    seen.add(data.id);
    total += 1;
    report({ type: "received", total, duplicates: total - seen.size });
  }
}

function listenToConductor(): void {
  let work: { stop(): Promise<void> } | undefined;
  process.on("message", (message: ToNode) => {
    switch (message.type) {
      case "start":
        return void startOrders(message.journal);
      case "work":
        work ??= placeOrders(cluster);
        return;
      case "rest":
        return void work?.stop().then(() => report({ type: "rested" }));
      case "leave":
        return void leave();
      default:
        message satisfies never;
    }
  });
}

async function startOrders(journal: string): Promise<void> {
  await cluster.startProcess(orders, { journal }, { name: "orders", distribute: true });
  report({ type: "started" });
}

/** Places orders until stopped; each has an id of its own and is never sent twice. */
function placeOrders(on: Cluster): { stop(): Promise<void> } {
  const ref = on.process(orders, "orders");
  let resting = false;
  let count = 0;
  const loop = async () => {
    while (!resting) {
      count += 1;
      const ended = await placeOrder(ref, `${on.self.name}#${count}`);
      report(ended);
      if (ended.outcome === "ok") on.pubsub.publish(orderPlaced, { id: ended.id });
      else await new Promise((resume) => setTimeout(resume, refusedPauseMs));
    }
  };
  const loops = Array.from({ length: callsInFlight }, loop);
  return {
    async stop() {
      resting = true;
      await Promise.all(loops);
    },
  };
}

type OrdersRef = ReturnType<typeof cluster.process<typeof orders>>;

async function placeOrder(
  ref: OrdersRef,
  id: string,
): Promise<Extract<FromNode, { type: "called" }>> {
  try {
    const placed: Placed = await ref.call("place", id, { timeout: "2s" });
    return { type: "called", id, outcome: "ok", pid: placed.pid };
  } catch (error) {
    if (!isFoundationError(error)) throw error;
    const outcome = error.code === "ERR_OUTCOME_UNKNOWN" ? "unknown" : "refused";
    return { type: "called", id, outcome, code: error.code };
  }
}

async function leave(): Promise<void> {
  lifetime.abort();
  await cluster.leave();
  process.disconnect();
}

function report(message: FromNode): void {
  process.send?.(message);
}
