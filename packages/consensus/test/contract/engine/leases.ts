/** engineContract, leases: keys that end with their owner. */
import { describe, expect, test } from "@jest/globals";
import { type Operation, rangeOf } from "../../../src/engine/engine.js";
import { type EngineWorld, utf8 } from "./world.js";

export function leaseTests(world: EngineWorld): void {
  const { txn, put, get, keys, code, next, settle, pass, leaseMs, lateMs } = world;
  describe("leases", () => {
    const end = () => pass(lateMs);

    test("a lease is granted for at least what was asked for", async () => {
      const lease = await settle(world.engine.grantLease(leaseMs));
      expect(lease.ttlMs).toBeGreaterThanOrEqual(leaseMs);
      const second = await settle(world.engine.grantLease(leaseMs));
      expect(second.id).not.toBe(lease.id);
      await settle(world.engine.revokeLease(lease.id));
      await settle(world.engine.revokeLease(second.id));
    });

    test("its keys are deleted together when it runs out, and not before", async () => {
      const { id, ttlMs } = await settle(world.engine.grantLease(leaseMs));
      const puts = ["a", "b"].map(
        (key): Operation => ({ type: "put", key, value: utf8.encode(key), lease: id }),
      );
      const { revision } = await txn(...puts, { type: "put", key: "c", value: utf8.encode("c") });
      expect((await get("a"))?.lease).toBe(id);
      const watch = world.engine.watch(rangeOf(""), { from: revision + 1 });
      await settle(watch.ready());
      await pass(ttlMs * 0.6);
      expect(await keys()).toEqual(["a", "b", "c"]);
      await pass(ttlMs * 0.4);
      await end();
      expect(await keys()).toEqual(["c"]);
      expect(await next(watch)).toBe(`${revision + 1}: -a was a -b was b`);
      await settle(watch.close());
    });

    test("a renewal lets it live for its time again", async () => {
      const { id, ttlMs } = await settle(world.engine.grantLease(leaseMs));
      await put("a", "1", id);
      for (let i = 0; i < 3; i += 1) {
        await pass(ttlMs * 0.6);
        const kept = await settle(world.engine.keepLease(id));
        expect(kept).toEqual({ id, ttlMs });
      }
      expect(await keys()).toEqual(["a"]);
      await pass(ttlMs);
      await end();
      expect(await keys()).toEqual([]);
    });

    test("what is not there can be neither renewed nor attached to", async () => {
      const { id, ttlMs } = await settle(world.engine.grantLease(leaseMs));
      await pass(ttlMs);
      await end();
      expect(await code(world.engine.keepLease(id))).toBe("ERR_LEASE_LOST");
      const both: Operation[] = [
        { type: "put", key: "a", value: utf8.encode("1") },
        { type: "put", key: "b", value: utf8.encode("1"), lease: id },
      ];
      expect(await code(txn(...both))).toBe("ERR_LEASE_LOST");
      expect(await keys()).toEqual([]);
    });

    test("revoking ends it now and deletes its keys; revoking what is gone is nothing", async () => {
      const { id } = await settle(world.engine.grantLease(60_000));
      const { revision } = await put("a", "1", id);
      await put("b", "1", id);
      const watch = world.engine.watch(rangeOf(""), { from: revision + 2 });
      await settle(watch.ready());
      await settle(world.engine.revokeLease(id));
      expect(await next(watch)).toBe(`${revision + 2}: -a was 1 -b was 1`);
      await settle(watch.close());
      await settle(world.engine.revokeLease(id));
      expect(await code(world.engine.keepLease(id))).toBe("ERR_LEASE_LOST");
      expect((await put("c", "1")).revision).toBe(revision + 3);
    });

    test("a put without the lease, or with another, takes the key from it", async () => {
      const first = await settle(world.engine.grantLease(60_000));
      const second = await settle(world.engine.grantLease(60_000));
      for (const key of ["a", "b", "c"]) await put(key, "1", first.id);
      await put("b", "2");
      await put("c", "2", second.id);
      expect((await get("b"))?.lease).toBeUndefined();
      await settle(world.engine.revokeLease(first.id));
      expect(await keys()).toEqual(["b", "c"]);
      await settle(world.engine.revokeLease(second.id));
      expect(await keys()).toEqual(["b"]);
    });

    test("a lease without keys changes no revision when it ends", async () => {
      const { revision } = await put("a", "1");
      const { id } = await settle(world.engine.grantLease(60_000));
      await settle(world.engine.revokeLease(id));
      expect((await put("a", "2")).revision).toBe(revision + 1);
    });
  });
}
