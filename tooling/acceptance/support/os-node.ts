/**
 * One node in an operating-system process of its own, told what to do over Node's IPC channel.
 * Everything about the cluster in it is what an application would write.
 */
import { inspect } from "node:util";
import { defineProcess, isFoundationError, startCluster } from "@foundation/foundation";
import type { StartOptions } from "@foundation/foundation";
import { orders } from "../../../apps/quickstart/src/orders.js";
import type { FromOsNode, ToOsNode } from "./os-messages.js";

/** Ends slowly, so that a graceful leave takes seconds. */
const clinging = defineProcess({
  name: "acceptance.clinging",
  init: () => ({}),
  terminate: () => new Promise<void>(() => {}),
});

const tell = (message: FromOsNode): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

try {
  await main(JSON.parse(process.argv[2] ?? "{}") as StartOptions);
} catch (error) {
  if (!isFoundationError(error)) throw error;
  tell({
    type: "refused",
    code: error.code,
    message: `${error.message}\n${inspect(error, { depth: 9 })}`,
  });
  process.disconnect();
}

async function main(options: StartOptions): Promise<void> {
  const cluster = await startCluster(options);
  const { id, boot, name } = cluster.self;
  tell({ type: "up", id, boot, name });
  void (async () => {
    for await (const { type, node } of cluster.watch()) {
      if (node !== undefined)
        tell({ type: "event", event: type, node: node.name, nodes: cluster.nodes().length });
    }
  })();
  let resting = false;
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    const ref = cluster.process(orders, "orders");
    for (let count = 1; !resting; count += 1) {
      const call = `${name}#${count}`;
      try {
        const { pid } = await ref.call("place", call, { timeout: "2s" });
        tell({ type: "called", id: call, outcome: "ok", pid });
      } catch (error) {
        if (!isFoundationError(error)) throw error;
        const outcome = error.code === "ERR_OUTCOME_UNKNOWN" ? "unknown" : "refused";
        tell({ type: "called", id: call, outcome, code: error.code });
        await new Promise((resume) => setTimeout(resume, 20));
      }
    }
  }

  async function agreed(message: Extract<ToOsNode, { type: "put" | "get" }>): Promise<FromOsNode> {
    const { key } = message;
    const patience = { timeout: "30s" } as const;
    try {
      if (message.type === "put") await cluster.kv.put(key, message.value, patience);
      return { type: "agreed", key, value: await cluster.kv.get<string>(key, patience) };
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      return { type: "agreed", key, code: error.code };
    }
  }

  async function handle(message: ToOsNode): Promise<void> {
    switch (message.type) {
      case "start": {
        const how = { name: "orders", distribute: true, wait: "visible" } as const;
        await cluster.startProcess(orders, { journal: message.journal }, how);
        return tell({ type: "done", of: "start" });
      }
      case "cling":
        await cluster.startProcess(clinging, undefined, { name: "clinging" });
        return tell({ type: "done", of: "cling" });
      case "work":
        working ??= work();
        return;
      case "rest":
        resting = true;
        await working;
        return tell({ type: "done", of: "rest" });
      case "put":
      case "get":
        return tell(await agreed(message));
      case "show": {
        const [health, explained] = [await cluster.health(), cluster.config.explain()];
        const shown = { cluster, health, info: cluster.info(), explained };
        const text = inspect(shown, { depth: 20, showHidden: true, getters: true });
        return tell({ type: "shown", text: text + JSON.stringify({ health, explained }) });
      }
      case "leave":
        await cluster.leave();
        process.disconnect();
        return;
      default:
        message satisfies never;
    }
  }
  process.on("message", (message: ToOsNode) => void handle(message));
}
