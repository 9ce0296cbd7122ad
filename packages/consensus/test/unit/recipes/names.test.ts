/** Names whose claims are applied late. */
import { expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import { memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createMemoryEngine, createNameStore, type Engine } from "../../../src/index.js";

test("a claim that is applied when its caller was told that another has the name claims nothing", async () => {
  const clock = virtualClock();
  const store = createMemoryEngine({ clock });
  const runtime = memoryRuntime({ clock });
  const late: (() => Promise<unknown>)[] = [];
  const engine: Engine = {
    ...store,
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    keepLease: (id) => store.keepLease(id),
    revokeLease: (id) => store.revokeLease(id),
    watch: (range, options) => store.watch(range, options),
    async txn(transaction) {
      const isClaim = transaction.then.some(
        (each) => each.type === "put" && each.key.includes("/names/"),
      );
      if (!isClaim || late.length > 0) return await store.txn(transaction);
      late.push(() => store.txn(transaction));
      // Meanwhile another takes the name.
      expect(await names.acquire("n", "quick")).toBeDefined();
      const details = { reason: "deadline-exceeded", target: "engine" } as const;
      throw coreErrors.ERR_OUTCOME_UNKNOWN("no answer", details);
    },
  };
  const names = createNameStore(store, { runtime });
  const slow = createNameStore(engine, { runtime });
  expect(await clock.run(slow.acquire("n", "slow"))).toBeUndefined();
  await clock.run(names.close());
  for (const apply of late) await apply();
  expect(late).toHaveLength(1);
  expect(await clock.run(slow.lookup("n"))).toBeUndefined();
  await clock.run(slow.close());
});
