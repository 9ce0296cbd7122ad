/**
 * StrongWorld: a cluster of registries over one name store in memory, a client of it for each node. The ledger is a receiver
 * of what the processes do: it keeps each effect with its token and time, and whether it would be let pass, as a receiver of
 * fencing tokens does.
 */
import { coreErrors, defineProcess } from "@foundation/core";
import { memoryNames, type MemoryClusterOptions } from "@foundation/core/testing";
import type { RegistryOptions } from "../../../src/index.js";
import { world, type World, type WorldNode } from "../runtime/world.js";
import { cuttableNames, type CuttableNames } from "./cuttable-names.js";

/** Something a strong process did to the world outside. */
export interface Effect {
  readonly node: string;
  readonly token: number | undefined;
  readonly atMs: number;
  readonly what: string;
  /** False when a receiver that compares tokens refused it. */
  readonly passed: boolean;
}

/** Filled by the processes below. */
export const ledger: Effect[] = [];

/** What the ledger reads the time of, and what `late` waits for. */
export const outside = { nowMs: () => 0, resume: (): void => undefined };

function take(node: string, token: number | undefined, what: string): number {
  const newest = Math.max(0, ...ledger.map((each) => each.token ?? 0));
  const passed = token !== undefined && token >= newest;
  ledger.push({ node, token, atMs: outside.nowMs(), what, passed });
  return token ?? 0;
}

/** A process whose effects are seen outside. */
export const teller = defineProcess({
  name: "test.teller",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    pay: ({ state, self, token }, amount: number) => {
      state.total += amount;
      return take(self.node, token, `pay ${amount}`);
    },
    /** Begins while the lease is held, and acts when the test says so. */
    late: async ({ self, token }, amount: number) => {
      await new Promise<void>((resolve) => {
        outside.resume = resolve;
      });
      return take(self.node, token, `late ${amount}`);
    },
    refuse: () => {
      throw coreErrors.ERR_NO_PROCESS("said by a handler", { process: "?" });
    },
    crash: () => {
      throw new Error("crashed on purpose");
    },
    where: ({ self }) => self.node,
  },
  cast: {
    pay: ({ self, token }, amount: number) => {
      take(self.node, token, `cast ${amount}`);
    },
  },
});

export interface StrongWorld extends World {
  readonly stores: CuttableNames[];
  /** Cuts a node off from the others and from the store. */
  isolate(place: number): void;
  /** Cuts a node off from the store only. */
  cutStore(place: number): void;
  mend(): Promise<void>;
  /** Starts a node again that was killed, with a new client of the store. */
  revive(place: number, registry?: Partial<RegistryOptions>): WorldNode;
}

export async function strongWorld(
  count: number,
  options: Partial<MemoryClusterOptions> = {},
  registry: Partial<RegistryOptions> = {},
): Promise<StrongWorld> {
  ledger.length = 0;
  const made = await world(0, { nodes: count, ...options }, registry);
  const { clock, cluster } = made;
  outside.nowMs = () => clock.now();
  // A handler of an earlier world may wait for it still: what it would do is none of this one's effects.
  outside.resume = () => undefined;
  const names = memoryNames({ clock });
  const stores: CuttableNames[] = [];
  const boot = (place: number, own: Partial<RegistryOptions> = {}): WorldNode => {
    const nameStore = cuttableNames(names, clock);
    stores[place] = nameStore;
    return made.boot(place, { nameStore, ...own });
  };
  for (let place = 0; place < count; place++) boot(place);
  await clock.advance(100);
  return {
    ...made,
    stores,
    boot,
    isolate(place) {
      cluster.partition([place]);
      stores[place]?.cut();
    },
    cutStore: (place) => stores[place]?.cut(),
    async mend() {
      for (const store of stores) store.mend();
      cluster.heal();
      await clock.advance(100);
    },
    revive(place, own) {
      stores[place]?.cut();
      cluster.restart(place);
      return boot(place, own);
    },
  };
}

/** The effects that a receiver of tokens let pass never go back to an older token. */
export function passedTokens(): readonly number[] {
  return ledger.filter(({ passed }) => passed).map(({ token }) => token ?? 0);
}
