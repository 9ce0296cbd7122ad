/** Names and rosters of the recipes pass the contracts of their ports: in memory, and on a group of three. */
import { describe, test } from "@jest/globals";
import type { Clock } from "@foundation/core/ports";
import { memoryRuntime, virtualClock } from "@foundation/core/testing";
import {
  nameStoreContract,
  rosterContract,
  virtualTime,
  type NameStoreFixture,
  type RosterFixture,
} from "@foundation/testkit";
import { createMemoryEngine, createNameStore, createRoster, type Engine } from "../../src/index.js";
import { cuttable } from "./cuttable.js";
import { StoreGroup } from "./store-group.js";

interface Ground {
  readonly engines: readonly [Engine, Engine];
  readonly clock: ReturnType<typeof virtualClock>;
  close(): Promise<void>;
}

function memory(): Ground {
  const clock = virtualClock();
  const engine = createMemoryEngine({ clock });
  return { engines: [engine, engine], clock, close: () => clock.run(engine.close()) };
}

async function group(): Promise<Ground> {
  const voters = await StoreGroup.open();
  const engines = [(await voters.follower()).engine(), (await voters.leader()).engine()] as const;
  return { engines, clock: voters.clock, close: () => voters.close() };
}

function runtimeOf(clock: Clock, seed: string) {
  return memoryRuntime({ clock: clock as ReturnType<typeof virtualClock>, seed });
}

async function names(ground: Ground, lateMs: number): Promise<NameStoreFixture> {
  const { engines, clock } = ground;
  const storeOf = (engine: Engine, client: string) =>
    createNameStore(engine, { runtime: runtimeOf(clock, client), client });
  const stores = [storeOf(engines[0], "a"), storeOf(engines[1], "b")] as const;
  return {
    stores,
    mortal: () => {
      const { engine, cut } = cuttable(engines[1]);
      return { store: storeOf(engine, "mortal"), cut };
    },
    ttlMs: 3_000,
    lateMs,
    time: virtualTime(clock),
    close: async () => {
      await clock.run(Promise.all(stores.map((store) => store.close())));
      await ground.close();
    },
  };
}

async function rosters(ground: Ground): Promise<RosterFixture> {
  const { engines, clock } = ground;
  const made = engines.map((engine, i) =>
    createRoster(engine, { runtime: runtimeOf(clock, `roster-${i}`) }),
  ) as unknown as RosterFixture["rosters"];
  return {
    rosters: made,
    time: virtualTime(clock),
    close: async () => {
      await clock.run(Promise.all(made.map((roster) => roster.close())));
      await ground.close();
    },
  };
}

describe("in memory", () => {
  nameStoreContract({ describe, test }, { create: () => names(memory(), 100) });
  rosterContract({ describe, test }, { create: () => rosters(memory()) });
});

describe("on a group of three", () => {
  nameStoreContract({ describe, test }, { create: async () => names(await group(), 1_500) });
  rosterContract({ describe, test }, { create: async () => rosters(await group()) });
});
