/**
 * One process of a LAN test: discovers with the strategy that its argument names, and prints what it finds as lines of
 * JSON. SIGTERM makes it leave, `draining` on a line of its standard input makes it drain.
 */
import { createInterface } from "node:readline";
import type { DiscoveryStep } from "@foundation/core/ports";
import { createNodeId, nodeRandom, nodeRuntime, silentLogger } from "@foundation/core";
import { createDiscovery } from "../../src/runtime/discovery.js";
import { gossip, type GossipOptions } from "../../src/gossip/gossip.js";
import { mdns, type MdnsOptions } from "../../src/mdns/mdns.js";

/** What the program is told. */
export interface LanOrders {
  readonly strategy: "gossip" | "mdns";
  readonly options?: GossipOptions & MdnsOptions;
  readonly address: string;
  readonly listensOn?: string;
  readonly secrets?: readonly string[];
  readonly cluster?: string;
}

/** What it prints. */
export interface LanLine {
  readonly peers?: readonly { readonly address: string; readonly draining?: true }[];
  readonly problem?: { readonly code: string; readonly message: string };
  /** What it tried. */
  readonly step?: string;
  /** Its own monotonic clock, which all processes of a machine share. */
  readonly atMs: number;
}

const orders = JSON.parse(process.argv[2] ?? "{}") as LanOrders;
const runtime = nodeRuntime({ logger: silentLogger() });
const say = (line: Omit<LanLine, "atMs">) => {
  const atMs = Number(process.hrtime.bigint() / 1_000n) / 1_000;
  process.stdout.write(`${JSON.stringify({ ...line, atMs })}\n`);
};
const strategy = orders.strategy === "gossip" ? gossip(orders.options) : mdns(orders.options);
const random = nodeRandom();
const draining = new AbortController();
const { address, listensOn, cluster = "lan", secrets = ["a secret of the test"] } = orders;
const discovery = createDiscovery({
  strategies: [
    {
      name: strategy.name,
      // What the strategy says, without what the union of strategies makes of it.
      async *discover(context) {
        const report = (error: Parameters<typeof context.report>[0]) => {
          say({ problem: { code: error.code, message: error.message } });
        };
        const trace = ({ tried, answer }: DiscoveryStep) => say({ step: `${tried}: ${answer}` });
        for await (const set of strategy.discover({ ...context, report, trace, secrets })) {
          say({ peers: set.peers });
          yield set;
        }
      },
    },
  ],
  cluster,
  self: { id: createNodeId(random), address, name: address, ...(listensOn && { listensOn }) },
  draining: draining.signal,
  runtime,
});
process.once("SIGTERM", () => void discovery.close().then(() => process.exit(0)));
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "drain") draining.abort();
});
