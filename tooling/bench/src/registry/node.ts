/** One node of a cluster with its kernel and registry, and what the suite has it do. */
import {
  createBoot,
  createKernel,
  defineProcess,
  nodeRandom,
  silentLogger,
} from "@foundation/core";
import { nodeRuntime, type Kernel, type NodeId } from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { createRegistry, type ClusterRef, type Registry } from "@foundation/registry";
import { systemMs } from "../processes/system-time.js";
import { lookupsOf } from "./lookups.js";

/** Names are registered in groups of so many that wait together. */
const AT_ONCE = 1_000;
const LOOK_MS = 1;
const SELECTS = 20;

const holder = defineProcess({ name: "bench.holder", init: () => ({}), call: { ping: () => 1 } });

export interface Registered {
  readonly ms: number;
  readonly cpuMs: number;
  readonly beganAtMs: number;
}

export interface Started {
  readonly id: NodeId;
  readonly address: string;
  readonly beganAtMs: number;
}

/** @param n part of the suite's meaning, so its size is known: 17 bytes */
export function nameOf(prefix: string, n: number): string {
  return `${prefix}/session-${String(n).padStart(7, "0")}`;
}

export class BenchNode {
  readonly #overlay: Overlay;
  readonly #kernel: Kernel;
  readonly #registry: Registry;
  #refs: ClusterRef[] = [];

  private constructor(overlay: Overlay, kernel: Kernel, registry: Registry) {
    this.#overlay = overlay;
    this.#kernel = kernel;
    this.#registry = registry;
  }

  static async start(
    id: NodeId,
    peers: readonly string[],
  ): Promise<{ readonly node: BenchNode; readonly started: Started }> {
    const beganAtMs = systemMs();
    const logger = silentLogger();
    const boot = createBoot(Date.now(), nodeRandom());
    const overlay = await createOverlay({
      cluster: "registry-bench",
      secret: "the benchmark needs no secret secret",
      identity: { id, boot, name: `node-${id.slice(0, 8)}` },
      peers,
      topology: "full-mesh",
      runtime: { logger },
    });
    const { messenger, membership, broadcast, address } = overlay;
    const runtime = nodeRuntime({ logger });
    const kernel = createKernel({ node: id, boot, runtime });
    const registry = createRegistry({ messenger, membership, broadcast, kernel, runtime });
    return {
      node: new BenchNode(overlay, kernel, registry),
      started: { id, address, beganAtMs },
    };
  }

  /** Resolves when so many members are listed; answers when that was. */
  async members(count: number): Promise<number> {
    const { membership } = this.#overlay;
    while (membership.members().length !== count) await moment(LOOK_MS);
    return systemMs();
  }

  /** Starts the processes that names will be given to. */
  async spawn(count: number): Promise<void> {
    const started = Array.from({ length: count }, () => this.#registry.startProcess(holder));
    this.#refs = await Promise.all(started);
  }

  /** Gives names by one call each; a thousand calls are under way at once. */
  register(prefix: string, from: number, to: number): Promise<Registered> {
    return timed(async () => {
      for (let n = from; n < to; n += AT_ONCE) {
        const some: Promise<void>[] = [];
        for (let i = n; i < Math.min(to, n + AT_ONCE); i += 1) {
          some.push(this.#registry.register(nameOf(prefix, i), this.#refAt(i)));
        }
        await Promise.all(some);
      }
    });
  }

  unregister(prefix: string, count: number): Promise<Registered> {
    return timed(async () => {
      for (let n = 0; n < count; n += AT_ONCE) {
        const some: Promise<boolean>[] = [];
        for (let i = n; i < Math.min(count, n + AT_ONCE); i += 1) {
          some.push(this.#registry.unregister(nameOf(prefix, i)));
        }
        await Promise.all(some);
      }
    });
  }

  /** Resolves when so many names are known here; answers when that was. */
  async seen(names: number): Promise<number> {
    while (this.#registry.info().names !== names) await moment(LOOK_MS);
    return systemMs();
  }

  /** Look-ups a second in each order. */
  lookups(prefix: string, names: number, forMs: number) {
    return lookupsOf(this.#registry, (n) => nameOf(prefix, n), names, forMs);
  }

  /** Milliseconds it takes to find the names of a narrow prefix among all. */
  select(prefix: string): number {
    const startedMs = performance.now();
    for (let round = 0; round < SELECTS; round += 1) {
      const found = this.#registry.select({ prefix: `${prefix}/session-000123` }).length;
      if (found !== 10) throw new Error(`${found} of 10 names were found`);
    }
    return (performance.now() - startedMs) / SELECTS;
  }

  #refAt(n: number): ClusterRef {
    const ref = this.#refs[n % this.#refs.length];
    if (ref === undefined) throw new Error("spawn comes first");
    return ref;
  }

  /** Processes of this node. */
  get processes(): number {
    return this.#kernel.list().length;
  }
}

async function timed(work: () => Promise<void>): Promise<Registered> {
  const beganAtMs = systemMs();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { ms: systemMs() - beganAtMs, cpuMs: (user + system) / 1_000, beganAtMs };
}

function moment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
