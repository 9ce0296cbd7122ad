/**
 * Clusters for tests: several nodes in this process, over real sockets, in a cluster nobody else can meet.
 */
import { afterEach } from "@jest/globals";
import { recordingLogger } from "@foundation/core/testing";
import { startCluster, type Cluster, type StartOptions } from "@foundation/foundation";

/** A node and what it logged. */
export interface TestNode {
  readonly cluster: Cluster;
  readonly log: ReturnType<typeof recordingLogger>;
}

let count = 0;

/** A cluster name that no other test run uses. */
export function uniqueName(): string {
  count += 1;
  return `acceptance-${process.pid}-${count}`;
}

const open: Cluster[] = [];

/** Starts a node that the test's end closes. */
export async function startNode(options: StartOptions): Promise<TestNode> {
  const log = recordingLogger();
  const cluster = await startCluster({ signals: false, logger: log, ...options });
  open.push(cluster);
  return { cluster, log };
}

/** Starts `size` nodes and waits until each lists all of them. */
export async function startNodes(size: number, options: StartOptions = {}): Promise<TestNode[]> {
  const name = uniqueName();
  const start = (_: unknown, i: number) =>
    startNode({ name, node: { name: `node-${i + 1}` }, ...options });
  const nodes = await Promise.all(Array.from({ length: size }, start));
  await Promise.all(nodes.map(({ cluster }) => cluster.ready({ nodes: size, timeout: "10s" })));
  return nodes;
}

/** A process that never answers is given its grace period before its node leaves, in ms. */
const leaveMsMax = 20_000;

afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.leave()));
}, leaveMsMax);
