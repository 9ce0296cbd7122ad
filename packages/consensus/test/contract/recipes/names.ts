/** The contract of recipes: names. */
import { expect } from "@jest/globals";
import { take, type Test } from "./bench.js";

export function nameTests(run: Test): void {
  run(
    "a name has one owner; released, it can be had again with a greater token",
    async ({ a, b, settle }) => {
      const claim = await settle(a.names.acquire("n", { node: 1 }));
      if (!claim) throw new Error("the name is free");
      expect(await settle(b.names.acquire("n", { node: 2 }))).toBeUndefined();
      expect(await settle(b.names.lookup("n"))).toEqual({
        name: "n",
        data: { node: 1 },
        token: claim.token,
      });
      expect(await settle(claim.renew())).toBe(true);
      await settle(claim.release());
      expect([claim.isHeld, claim.signal.aborted]).toEqual([false, false]);
      const next = await settle(b.names.acquire("n", { node: 2 }));
      expect(next?.token).toBeGreaterThan(claim.token);
      await settle(claim.release());
      expect(next?.isHeld).toBe(true);
    },
  );

  run(
    "an owner that is cut off knows before another owns the name",
    async ({ b, client, settle, pass, ttl, overMs }) => {
      const { recipes, cut } = client("mortal");
      const claim = await settle(recipes.names.acquire("n", 1, { ttl }));
      cut();
      await pass(overMs);
      expect(await settle(b.names.lookup("n"))).toBeUndefined();
      expect([claim?.isHeld, claim?.signal.aborted]).toEqual([false, true]);
      expect((await settle(b.names.acquire("n", 2)))?.token).toBeGreaterThan(claim?.token ?? 0);
    },
  );

  run(
    "a name moves in one step to a successor that waits for it",
    async ({ a, b, settle, pass, isOpen, code }) => {
      const claim = await settle(a.names.acquire("n", "old"));
      if (!claim) throw new Error("the name is free");
      const pad = await settle(b.names.prepare<string>("n"));
      const landed = pad.landed();
      expect(await isOpen(landed)).toBe(true);
      const token = await settle(claim.moveTo(pad.landing, "new"));
      const successor = await settle(landed);
      expect([successor.token, successor.data, successor.isHeld]).toEqual([token, "new", true]);
      expect(claim.isHeld).toBe(false);
      expect((claim.signal.reason as { code?: string }).code).toBe("ERR_NAME_MOVED");
      await settle(claim.release());
      await pass(1);
      expect(await settle(a.names.lookup("n"))).toEqual({ name: "n", data: "new", token });
      expect(await code(claim.moveTo(pad.landing, "again"))).toBe("ERR_NAME_MOVED");
      await settle(successor.release());
      expect(await settle(a.names.lookup("n"))).toBeUndefined();
    },
  );

  run(
    "a move to a successor that is gone leaves the name where it is",
    async ({ a, client, settle, pass, code, ttl, overMs }) => {
      const claim = await settle(a.names.acquire("n", "old"));
      const { recipes, cut } = client("mortal");
      const pad = await settle(recipes.names.prepare<string>("n", { ttl }));
      cut();
      await pass(overMs);
      expect(await code(claim?.moveTo(pad.landing, "new") ?? Promise.resolve())).toBe(
        "ERR_LEASE_LOST",
      );
      expect(claim?.isHeld).toBe(true);
      await settle(pad.close());
    },
  );

  run("watchers see names come and go", async ({ a, b, settle }) => {
    const watch = b.names.watch<number>();
    await settle(watch.ready());
    const claim = await settle(a.names.acquire("x/y", 7));
    await settle(claim?.release() ?? Promise.resolve());
    const [came, went] = await settle(take(watch, 2));
    expect(came).toEqual({ type: "owned", owner: { name: "x/y", data: 7, token: claim?.token } });
    expect(went).toEqual({ type: "free", name: "x/y" });
    await settle(watch.close());
  });
}
