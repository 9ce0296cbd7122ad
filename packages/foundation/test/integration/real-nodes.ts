/** Nodes of one cluster over real sockets, closed by the test's end. */
import { afterEach } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import { eventually as holdsEventually } from "@foundation/testkit";
import { startCluster, type Cluster, type StartOptions } from "../../src/index.js";

const open: Cluster[] = [];
let clusters = 0;

/** A name that no other test's nodes have. */
export function uniqueName(): string {
  clusters += 1;
  return `foundation-test-${process.pid}-${clusters}`;
}

export async function startNode(options: StartOptions): Promise<Cluster> {
  const cluster = await startCluster({ signals: false, logger: silentLogger(), ...options });
  open.push(cluster);
  return cluster;
}

/** Nodes that list each other. */
export async function startNodes(size: number, options: StartOptions = {}): Promise<Cluster[]> {
  const name = uniqueName();
  const start = (_: unknown, at: number) =>
    startNode({ name, node: { name: `node-${at + 1}` }, ...options });
  const nodes = await Promise.all(Array.from({ length: size }, start));
  await Promise.all(nodes.map((node) => node.ready({ nodes: size, timeout: "10s" })));
  return nodes;
}

/** Waits for a condition, for 10 seconds unless told otherwise. */
export async function eventually(check: () => boolean, withinMs = 10_000): Promise<void> {
  await holdsEventually(check, { within: withinMs });
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.leave()));
}, 20_000);
