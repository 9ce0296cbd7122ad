/**
 * engineContract: what every Engine must do, sentence by sentence of src/engine/engine.ts.
 *
 * It runs in memory, on a group, and on a real etcd, so it waits only through `settle` and `pass`, and compares only
 * what all of them promise: a lease's end may be late, never early; revisions begin where they are found.
 */
import { afterEach, beforeEach, describe } from "@jest/globals";
import { closingTests } from "./engine/closing.js";
import { compactionTests } from "./engine/compaction.js";
import { keyTests } from "./engine/keys.js";
import { leaseTests } from "./engine/leases.js";
import { rangeTests } from "./engine/ranges.js";
import { transactionTests } from "./engine/transactions.js";
import { watchTests } from "./engine/watches.js";
import { engineWorld, type EngineContractSetup } from "./engine/world.js";

export type { EngineContractSetup } from "./engine/world.js";

export function engineContract(name: string, setup: EngineContractSetup): void {
  describe(`the engine ${name}`, () => {
    const world = engineWorld(setup);
    beforeEach(() => world.begin());
    afterEach(() => world.end());
    keyTests(world);
    rangeTests(world);
    transactionTests(world);
    watchTests(world);
    compactionTests(world);
    leaseTests(world);
    closingTests(world);
  });
}
