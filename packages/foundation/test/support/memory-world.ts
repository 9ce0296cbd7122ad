/**
 * Whole nodes, made by startCluster itself, on a network, a clock and signals in memory: no socket is opened, and time
 * passes only as a test says. Only the configuration is read from the real file system.
 */
import {
  memoryNetwork,
  memoryRuntime,
  listDiscovery,
  virtualClock,
} from "@foundation/core/testing";
import type { ManualSignals, RecordingLogger } from "@foundation/core/testing";
import { startCluster, type Cluster, type StartOptions } from "../../src/index.js";

export interface MemoryNode {
  readonly cluster: Cluster;
  readonly signals: ManualSignals;
  readonly logger: RecordingLogger;
}

/** The real file system answers in turns of its own, so time passes in small steps until it has. */
const STEP_MS = 5;

export class MemoryWorld {
  readonly clock = virtualClock();
  readonly network = memoryNetwork({ clock: this.clock, latencyMs: 1 });
  /** Every address that was ever given out: what a static list would hold. */
  readonly addresses = listDiscovery();
  readonly #nodes: MemoryNode[] = [];

  /** Options for a node on a host of its own, and what it can be watched by. */
  options(host: string, options: StartOptions = {}) {
    const runtime = memoryRuntime({
      clock: this.clock,
      seed: host,
      transport: this.network.transport(host),
    });
    const { signals, logger } = runtime;
    const all: StartOptions = {
      name: "world",
      cluster: this.addresses,
      node: { name: host },
      ...options,
      runtime: { ...runtime, ...options.runtime },
    };
    return { options: all, signals, logger };
  }

  async start(host: string, given: StartOptions = {}): Promise<MemoryNode> {
    const { options, signals, logger } = this.options(host, given);
    const cluster = await this.passing(startCluster(options));
    this.addresses.set(this.addresses.announced);
    const node = { cluster, signals, logger };
    this.#nodes.push(node);
    return node;
  }

  /** Nodes that list each other. */
  async form(...hosts: string[]): Promise<MemoryNode[]> {
    const nodes: MemoryNode[] = [];
    for (const host of hosts) nodes.push(await this.start(host));
    const all = nodes.map(({ cluster }) => cluster.ready({ nodes: hosts.length }));
    await this.clock.run(Promise.all(all));
    return nodes;
  }

  /** Lets time pass until the promise settles, also one that waits for the real file system. */
  async passing<T>(promise: Promise<T>): Promise<T> {
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    while (pending) {
      await new Promise((resume) => setImmediate(resume));
      await this.clock.advance(STEP_MS);
    }
    return promise;
  }

  /** Leaves with every node; whatever timer is pending after that is a leak. */
  async close(): Promise<void> {
    await this.clock.run(Promise.all(this.#nodes.splice(0).map(({ cluster }) => cluster.leave())));
  }
}
