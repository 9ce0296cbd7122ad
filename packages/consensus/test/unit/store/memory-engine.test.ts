/** The engine in memory on the virtual clock: when leases end. */
import { expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { createMemoryEngine } from "../../../src/index.js";

test("a lease ends when its time is over, also where that is no whole number of milliseconds", async () => {
  // 24.1 + 1000 - 24.1 is a little less than 1000.
  const clock = virtualClock({ startMs: 24.1 });
  const engine = createMemoryEngine({ clock });
  const { id } = await engine.grantLease(1_000);
  await clock.advance(1_001);
  await expect(engine.keepLease(id)).rejects.toMatchObject({ code: "ERR_LEASE_LOST" });
  await engine.close();
});
