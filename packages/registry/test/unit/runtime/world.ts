/**
 * World: a cluster of registries over the memory twins and virtual time. Nothing here waits for
 * real time; the journal is what the processes of all nodes really did.
 */
import { expect } from "@jest/globals";
import { coreErrors, createKernel, defineProcess, type Kernel } from "@foundation/core";
import {
  memoryCluster,
  memoryRuntime,
  virtualClock,
  type MemoryCluster,
  type MemoryClusterNode,
  type MemoryClusterOptions,
  type MemoryRuntime,
  type VirtualClock,
} from "@foundation/core/testing";
import { createRegistry, type Registry, type RegistryOptions } from "../../../src/index.js";

/** What ran: `handler payload` with the place of the node that ran it. */
export interface Entry {
  readonly node: string;
  readonly what: string;
}

/** Filled by the processes below; a test clears it first. */
export const journal: Entry[] = [];

/** What `relay` waits for. */
export const gate = {
  open: (): void => undefined,
};

export const counter = defineProcess({
  name: "test.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state, self }, by: number) => {
      journal.push({ node: self.node, what: `add ${by}` });
      return (state.total += by);
    },
    total: ({ state }) => state.total,
    list: ({ state }) => [state],
    crash: () => {
      throw new Error("crashed on purpose");
    },
    linger: ({ self }, id: number) => {
      journal.push({ node: self.node, what: `linger ${id}` });
      return new Promise<void>(() => undefined);
    },
    relay: async ({ self }, id: number) => {
      journal.push({ node: self.node, what: `relay ${id}` });
      await new Promise<void>((resolve) => {
        gate.open = resolve;
      });
      throw coreErrors.ERR_NODE_UNREACHABLE("a third node is gone", {
        node: "?",
        reason: "test",
      });
    },
    hang: () => new Promise<void>(() => undefined),
    where: ({ self }) => self.node,
  },
  cast: {
    add: ({ state }, by: number) => {
      state.total += by;
    },
    crash: () => {
      throw new Error("crashed on purpose");
    },
  },
  info: ({ state }, payload) => {
    if (typeof payload === "number") state.total += payload;
  },
});

export const other = defineProcess({
  name: "test.other",
  init: () => ({}),
  call: { ping: () => "pong" },
});

export const refusing = defineProcess({
  name: "test.refusing",
  init: () => {
    throw new Error("no");
  },
});

/** One node and what runs on it. */
export interface WorldNode {
  readonly port: MemoryClusterNode;
  readonly kernel: Kernel;
  readonly registry: Registry;
  readonly runtime: MemoryRuntime;
}

export interface World {
  readonly clock: VirtualClock;
  readonly cluster: MemoryCluster;
  readonly nodes: WorldNode[];
  /** The node at a place. */
  at(place: number): WorldNode;
  /** Starts kernel and registry on a node that the cluster has. */
  boot(place: number, registry?: Partial<RegistryOptions>): WorldNode;
  /** Lets virtual time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>;
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Nodes with a registry each, that know each other's definitions. */
export async function world(
  count: number,
  options: Partial<MemoryClusterOptions> = {},
  registry: Partial<RegistryOptions> = {},
): Promise<World> {
  journal.length = 0;
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes: count, ...options });
  const nodes: WorldNode[] = [];
  const boot = (place: number, own: Partial<RegistryOptions> = {}): WorldNode => {
    const port = cluster.node(place);
    const runtime = memoryRuntime({ clock, seed: `${port.name}-${port.boot}` });
    const kernel = createKernel({ node: port.id, boot: port.boot, runtime });
    const { messenger, membership, broadcast } = port;
    const made = createRegistry({
      messenger,
      membership,
      broadcast,
      kernel,
      runtime,
      ...registry,
      ...own,
    });
    const node = { port, kernel, registry: made, runtime };
    nodes[place] = node;
    return node;
  };
  for (let place = 0; place < count; place++) boot(place);
  await clock.advance(100);
  return {
    clock,
    cluster,
    nodes,
    boot,
    at: (place) => nodes[place] as WorldNode,
    run: (promise) => clock.run(promise),
    advance: (ms) => clock.advance(ms),
    async close() {
      for (const { port, registry: open, kernel } of nodes) {
        if (!cluster.nodes.includes(port)) continue;
        await clock.run(open.close());
        await clock.run(kernel.close());
      }
      // What a store's listener throws is only logged, so it would pass unseen.
      const broken = nodes.flatMap(({ runtime }) =>
        runtime.logger.lines.filter(({ message }) => message.includes("listener")),
      );
      expect(broken).toEqual([]);
    },
  };
}

/** The code of the error a promise ends with; "none" when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** The places of the nodes whose kernel runs a process with that label. */
export function runningAt(world: World, label: string): readonly number[] {
  return world.nodes.flatMap(({ kernel, port }, place) =>
    world.cluster.nodes.includes(port) && kernel.list().some((process) => process.label === label)
      ? [place]
      : [],
  );
}
