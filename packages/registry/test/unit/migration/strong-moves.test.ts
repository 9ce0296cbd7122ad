/** Moves of strong processes: the name store's move is the commit point. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Clock } from "@foundation/core";
import type { NameStore } from "@foundation/core/ports";
import { codeOf, runningAt } from "../runtime/world.js";
import {
  ledger,
  passedTokens,
  strongWorld,
  teller,
  type StrongWorld,
} from "../strong/strong-world.js";

let open: StrongWorld | undefined;
async function start(): Promise<StrongWorld> {
  open = await strongWorld(3);
  await open.advance(300);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function tellerAt(w: StrongWorld, place: number) {
  const options = { name: "till", consistency: "strong", distribute: true } as const;
  const ref = await w.run(w.at(place).registry.startProcess(teller, { from: 0 }, options));
  await w.advance(300);
  const [host] = runningAt(w, "till") as [number];
  return { ref, host, other: (host + 1) % 3, third: (host + 2) % 3 };
}

/** Who moves a name by this store is answered after the others have heard. */
function answersLate(store: NameStore, clock: Clock, byMs: number): void {
  const acquire = store.acquire.bind(store);
  store.acquire = async <T>(...parameters: Parameters<typeof acquire<T>>) => {
    const claim = await acquire<T>(...parameters);
    if (claim === undefined) return undefined;
    const moveTo = claim.moveTo.bind(claim);
    claim.moveTo = async (...move) => {
      const token = await moveTo(...move);
      await clock.sleep(byMs);
      return token;
    };
    return claim;
  };
}

/** Hears of every owner of a name after the others have told. */
function hearsLate(store: NameStore, clock: Clock, byMs: number): void {
  const watch = store.watch.bind(store);
  store.watch = <T>(...parameters: Parameters<typeof watch<T>>) => {
    const watching = watch<T>(...parameters);
    const next = async () => {
      const event = await watching.next();
      await clock.sleep(byMs);
      return event;
    };
    return { ...watching, next };
  };
}

/** Who waits for a name by this store never hears that it came. */
function neverLands(store: NameStore, clock: Clock): void {
  const prepare = store.prepare.bind(store);
  store.prepare = async <T>(...parameters: Parameters<typeof prepare<T>>) => {
    const pad = await prepare<T>(...parameters);
    const landed = async () => {
      await clock.sleep(5_000);
      throw new Error("the answer was lost");
    };
    // A name that came is given back.
    const close = async () => {
      const given = pad.landed().catch(() => undefined);
      await pad.close();
      await (await given)?.release();
    };
    return { landing: pad.landing, landed, close, [Symbol.asyncDispose]: close };
  };
}

/** Who waits for a name by this store hears that it came after the source of the move has told. */
function landsLate(store: NameStore, clock: Clock, byMs: number): void {
  const prepare = store.prepare.bind(store);
  store.prepare = async <T>(...parameters: Parameters<typeof prepare<T>>) => {
    const pad = await prepare<T>(...parameters);
    const landed = async (...wait: Parameters<typeof pad.landed>) => {
      const claim = await pad.landed(...wait);
      await clock.sleep(byMs);
      return claim;
    };
    const close = () => pad.close();
    return { landing: pad.landing, landed, close, [Symbol.asyncDispose]: close };
  };
}

const idOf = (w: StrongWorld, place: number) => w.at(place).port.id;

describe("a strong process that is moved", () => {
  test("goes on with its state under a higher token, and no call fails", async () => {
    const w = await start();
    const { ref, host, other } = await tellerAt(w, 0);
    const before = await w.run(ref.call("pay", 1));
    const calls: Promise<number>[] = [];
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other) });
    let isDone = false;
    moving.done.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    while (!isDone) {
      for (const { registry } of w.nodes) {
        calls.push(registry.process(teller, "till").call("pay", 1));
      }
      await w.advance(1);
    }
    const moved = await w.run(moving.done);
    expect(moved.pid.node).toBe(idOf(w, other));
    const tokens = await w.run(Promise.all(calls));
    const after = await w.run(ref.call("pay", 1));
    expect(after).toBeGreaterThan(before);
    expect(new Set([before, ...tokens, after])).toEqual(new Set([before, after]));
    expect(ledger).toHaveLength(calls.length + 2);
    expect(ledger.every(({ passed }) => passed)).toBe(true);
    await w.advance(60_000);
    expect(runningAt(w, "till")).toEqual([other]);
    expect(await w.run(ref.call("pay", 1))).toBe(after);
  });

  test("is told as moved where the source hears from the store before the target does", async () => {
    const w = await start();
    for (const store of w.stores) landsLate(store, w.clock, 50);
    const { ref, host, other } = await tellerAt(w, 0);
    const moved = await w.run(w.at(host).registry.migrate("till", { to: idOf(w, other) }).done);
    expect(moved.pid.node).toBe(idOf(w, other));
    expect(runningAt(w, "till")).toEqual([other]);
    expect(await w.run(ref.call("pay", 1))).toBeGreaterThan(1);
  });

  test("keeps its mailbox when its new owner is heard of before the store's answer", async () => {
    const w = await start();
    for (const store of w.stores) answersLate(store, w.clock, 50);
    const { ref, host, other, third } = await tellerAt(w, 0);
    const before = await w.run(ref.call("pay", 1));
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other) });
    const calls: Promise<number>[] = [];
    for (let sent = 0; sent < 20; sent++) {
      calls.push(
        w
          .at([host, third][sent % 2] as number)
          .registry.process(teller, "till")
          .call("pay", 1),
      );
      await w.advance(2);
    }
    await w.run(moving.done);
    const tokens = await w.run(Promise.all(calls));
    expect(Math.max(...tokens)).toBeGreaterThan(before);
    expect(ledger.filter(({ passed }) => passed)).toHaveLength(calls.length + 1);
    await w.advance(60_000);
    expect(runningAt(w, "till")).toEqual([other]);
    const warned = w.nodes.flatMap(({ runtime }) => runtime.logger.lines);
    expect(warned.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  test("is reached through where it was by who has not heard of it from the store yet", async () => {
    const w = await start();
    for (const store of w.stores) hearsLate(store, w.clock, 400);
    const { ref, host, other } = await tellerAt(w, 0);
    await w.advance(1_000);
    await w.run(ref.call("pay", 1));
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other) });
    const calls: Promise<number>[] = [];
    for (let sent = 0; sent < 60; sent++) {
      const { registry } = w.at(sent % 3);
      calls.push(registry.process(teller, "till").call("pay", 1));
      await w.advance(1);
    }
    await w.run(moving.done);
    await w.run(Promise.all(calls));
    expect(ledger.filter(({ passed }) => passed)).toHaveLength(calls.length + 1);
  });

  test("stays where it is while the store cannot be asked, and no effect is doubled", async () => {
    const w = await start();
    const { ref, host, other } = await tellerAt(w, 0);
    await w.run(ref.call("pay", 1));
    w.cutStore(other);
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other), timeout: "20s" });
    expect(await w.run(codeOf(moving.done))).not.toBe("none");
    expect(runningAt(w, "till")).toEqual([host]);
    await w.run(ref.call("pay", 2));
    await w.mend();
    await w.advance(60_000);
    expect(runningAt(w, "till")).toEqual([host]);
    const again = w.at(other).registry.migrate("till", { to: idOf(w, other) });
    await w.run(again.done);
    await w.run(ref.call("pay", 3));
    expect(ledger.map(({ what }) => what)).toEqual(["pay 1", "pay 2", "pay 3"]);
    expect(passedTokens()).toEqual([...passedTokens()].sort((a, b) => a - b));
  });

  test("has no effect where it was once it is not known whether its name was moved", async () => {
    const w = await start();
    const { ref, host, other } = await tellerAt(w, 0);
    await w.run(ref.call("pay", 1));
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other), timeout: "20s" });
    const installed = (async () => {
      for await (const { type } of moving.progress) if (type === "installed") return;
    })();
    await w.run(installed);
    w.isolate(host);
    const code = await w.run(codeOf(moving.done));
    expect(code).not.toBe("none");
    await w.advance(60_000);
    const refs = [0, 1, 2].filter((place) => place !== host);
    for (const place of refs) {
      await w.run(w.at(place).registry.process(teller, "till").call("pay", 7, { timeout: "1s" }));
    }
    await w.mend();
    await w.advance(60_000);
    expect(runningAt(w, "till")).toHaveLength(1);
    expect(ledger.every(({ passed }) => passed)).toBe(true);
  });

  test("leaves no copy where it was to go when that node never hears that the name came", async () => {
    const w = await start();
    const { ref, host, other } = await tellerAt(w, 0);
    neverLands(w.stores[other] as NameStore, w.clock);
    const moving = w.at(host).registry.migrate("till", { to: idOf(w, other), timeout: "20s" });
    await w.run(codeOf(moving.done));
    await w.advance(120_000);
    expect(runningAt(w, "till")).toHaveLength(1);
    const processes = [0, 1, 2].map((place) => w.at(place).registry.info().processes);
    expect(processes.reduce((sum, count) => sum + count, 0)).toBe(1);
    await w.run(ref.call("pay", 1));
  });

  test("goes along when its node drains", async () => {
    const w = await start();
    const { ref, host, third } = await tellerAt(w, 0);
    const before = await w.run(ref.call("pay", 1));
    w.cluster.drain(host);
    await w.run(w.at(host).registry.drain());
    expect(runningAt(w, "till")).toHaveLength(1);
    expect(runningAt(w, "till")).not.toEqual([host]);
    const after = w.at(third).registry.process(teller, "till").call("pay", 1);
    expect(await w.run(after)).toBeGreaterThan(before);
    const warned = w.nodes.flatMap(({ runtime }) => runtime.logger.lines);
    expect(warned.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });
});
