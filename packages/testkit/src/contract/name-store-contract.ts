/** nameStoreContract: what every NameStore must do: one owner at a time, tokens that grow, moves in one step. */
import assert from "node:assert/strict";
import type { NameEvent, NameStore, NameWatch } from "@foundation/core/ports";
import { rejectsWith, type ContractTime } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface NameStoreFixture {
  /** Two clients of one table. */
  readonly stores: readonly [NameStore, NameStore];
  /** A further client, and what cuts it off: nothing of it reaches the table any more. */
  mortal(): { readonly store: NameStore; cut(): void };
  /** The shortest time to live to try, in ms, and how long after it a dead owner's name is free at the latest. */
  readonly ttlMs: number;
  readonly lateMs: number;
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface NameStoreContractSetup {
  create(): NameStoreFixture | Promise<NameStoreFixture>;
}

/** Runs the suite against one store. */
export function nameStoreContract(runner: ContractRunner, setup: NameStoreContractSetup): void {
  const test = testsWith(runner, () => setup.create());
  runner.describe("name store", () => {
    test("a name has one owner; released, it is another's with a greater token", async (fixture) => {
      const { stores, time } = fixture;
      const [a, b] = stores;
      const claim = await time.wait(a.acquire("n", { node: 1 }));
      assert.ok(claim);
      assert.equal(claim.isHeld, true);
      assert.equal(await time.wait(b.acquire("n", { node: 2 })), undefined);
      const owner = { name: "n", data: { node: 1 }, token: claim.token };
      assert.deepEqual(await time.wait(b.lookup("n")), owner);
      assert.equal(await time.wait(claim.renew()), true);
      await time.wait(claim.release());
      assert.deepEqual([claim.isHeld, claim.signal.aborted], [false, false]);
      assert.equal(await time.wait(b.lookup("n")), undefined);
      const next = await time.wait(b.acquire("n", { node: 2 }));
      assert.ok(next && next.token > claim.token);
      await time.wait(claim.release());
      assert.equal(next.isHeld, true);
    });

    test("an owner that is cut off knows before another owns the name", async (fixture) => {
      const { stores, time, ttlMs, lateMs } = fixture;
      const { store, cut } = fixture.mortal();
      const claim = await time.wait(store.acquire("n", 1, { ttl: ttlMs }));
      assert.ok(claim);
      cut();
      await time.pass(ttlMs + lateMs);
      assert.equal(await time.wait(stores[1].lookup("n")), undefined);
      assert.equal(claim.isHeld, false);
      assert.equal((claim.signal.reason as { code?: string }).code, "ERR_LEASE_LOST");
      const next = await time.wait(stores[1].acquire("n", 2));
      assert.ok(next && next.token > claim.token);
    });

    test("a name moves in one step to a successor that waits for it", async ({ stores, time }) => {
      const [a, b] = stores;
      const claim = await time.wait(a.acquire("n", "old"));
      assert.ok(claim);
      const pad = await time.wait(b.prepare<string>("n"));
      const landed = pad.landed();
      const token = await time.wait(claim.moveTo(pad.landing, "new"));
      const successor = await time.wait(landed);
      assert.deepEqual([successor.token, successor.data, successor.isHeld], [token, "new", true]);
      assert.ok(token > claim.token);
      assert.equal(claim.isHeld, false);
      assert.equal((claim.signal.reason as { code?: string }).code, "ERR_NAME_MOVED");
      await time.wait(claim.release());
      assert.deepEqual(await time.wait(a.lookup("n")), { name: "n", data: "new", token });
      await rejectsWith(time, claim.moveTo(pad.landing, "again"), "ERR_NAME_MOVED");
    });

    test("a move to a successor that is gone leaves the name where it is", async (fixture) => {
      const { stores, time, ttlMs, lateMs } = fixture;
      const claim = await time.wait(stores[0].acquire("n", "old"));
      assert.ok(claim);
      const { store, cut } = fixture.mortal();
      const pad = await time.wait(store.prepare<string>("n", { ttl: ttlMs }));
      cut();
      await time.pass(ttlMs + lateMs);
      await rejectsWith(time, claim.moveTo(pad.landing, "new"), "ERR_LEASE_LOST");
      assert.equal(claim.isHeld, true);
    });

    test("a watch tells owners as they come and go, of one name or of all", async (fixture) => {
      const { stores, time } = fixture;
      const [a, b] = stores;
      const before = await time.wait(a.acquire("x/y", 1));
      const all = b.watch<number>(undefined, { initial: true });
      const one = b.watch<number>("ü");
      await time.wait(Promise.all([all.ready(), one.ready()]));
      const first = { name: "x/y", data: 1, token: before?.token };
      assert.deepEqual(await time.wait(taken(all, 1)), [{ type: "snapshot", owners: [first] }]);
      const claim = await time.wait(a.acquire("ü", 7));
      await time.wait(claim?.release() ?? Promise.resolve());
      const owned = { type: "owned", owner: { name: "ü", data: 7, token: claim?.token } };
      const free = { type: "free", name: "ü" };
      assert.deepEqual(await time.wait(taken(all, 2)), [owned, free]);
      assert.deepEqual(await time.wait(taken(one, 2)), [owned, free]);
      await time.wait(Promise.all([all.close(), one.close()]));
      assert.equal((await time.wait(one.next())).done, true);
    });

    test("closing releases what is owned, ends nothing of others, and takes no more", async (fixture) => {
      const { stores, time } = fixture;
      const [a, b] = stores;
      const [own, other] = [await time.wait(a.acquire("a", 1)), await time.wait(b.acquire("b", 1))];
      await time.wait(a.close());
      await time.wait(a.close());
      assert.equal(own?.isHeld, false);
      assert.equal(other?.isHeld, true);
      assert.equal(await time.wait(b.lookup("a")), undefined);
      await rejectsWith(time, a.acquire("c", 1), "ERR_CLOSED");
    });
  });
}

async function taken<T>(watch: NameWatch<T>, count: number): Promise<NameEvent<T>[]> {
  const events: NameEvent<T>[] = [];
  while (events.length < count) {
    const { done, value } = await watch.next();
    assert.equal(done ?? false, false);
    events.push(value as NameEvent<T>);
  }
  return events;
}
