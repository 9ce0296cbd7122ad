/**
 * recipesContract: what every recipe promises, on whatever engine it stands.
 *
 * It runs in memory on virtual time, and on groups and a real etcd; so it waits only through `settle` and `pass`, and
 * never for less than the engine's own accuracy.
 */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { nodeRuntime } from "@foundation/core";
import type { Runtime } from "@foundation/core/ports";
import type { Engine } from "../../src/engine/engine.js";
import {
  createRecipes,
  type KvEntry,
  type KvEvent,
  type Leadership,
  type Recipes,
  step,
  when,
} from "../../src/index.js";
import { cuttable } from "./cuttable.js";

export interface RecipesContractSetup {
  /** A new engine over an empty keyspace; the suite closes it. */
  create(): Promise<Engine> | Engine;
  /** A second engine over the keyspace of the last one created. @default both clients use the first */
  another?(): Promise<Engine> | Engine;
  /** What the recipes run on. @default Node's */
  runtime?(): Partial<Runtime>;
  /** Lets so much time pass. @default real time */
  pass?(ms: number): Promise<void>;
  /** Gives a promise's value, letting time pass as it needs. @default awaits it */
  settle?<T>(promise: Promise<T>): Promise<T>;
  /** A time to live that leases of this engine may have, and how late they may end. @default 2_000 and 2_000 */
  leaseMs?: number;
  leaseLateMs?: number;
  dispose?(): Promise<void> | void;
}

interface Bench {
  readonly a: Recipes;
  readonly b: Recipes;
  readonly ttl: number;
  /** Gives a promise's value, letting time pass. */
  settle<T>(promise: Promise<T>): Promise<T>;
  pass(ms: number): Promise<void>;
  code(promise: Promise<unknown>): Promise<string>;
  /** Whether the promise is still open after all that can happen at once. */
  isOpen(promise: Promise<unknown>): Promise<boolean>;
  /** A client that can be cut from its engine. */
  client(name: string): { readonly recipes: Recipes; cut(): void };
  /** How long after a client was cut its leases are certainly over. */
  readonly overMs: number;
}

type Test = (name: string, run: (bench: Bench) => Promise<void>) => void;

export function recipesContract(name: string, setup: RecipesContractSetup): void {
  const settle = setup.settle ?? (<T>(promise: Promise<T>) => promise);
  const pass = setup.pass ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
  const ttl = setup.leaseMs ?? 2_000;
  let open: (() => Promise<void>)[] = [];
  let bench: Bench;

  const makeBench = async (): Promise<Bench> => {
    const first = await setup.create();
    const runtime = setup.runtime?.() ?? nodeRuntime();
    const second = (await setup.another?.()) ?? first;
    const recipesOf = (engine: Engine, client: string) => {
      const recipes = createRecipes(engine, { runtime, client });
      open.push(() => recipes.close());
      return recipes;
    };
    open = [() => first.close(), () => (second === first ? Promise.resolve() : second.close())];
    return {
      a: recipesOf(first, "a"),
      b: recipesOf(second, "b"),
      ttl,
      settle,
      pass,
      code: (promise) =>
        settle(
          promise.then(
            () => "resolved",
            (error: { code?: string }) => String(error.code ?? error),
          ),
        ),
      isOpen: async (promise) => {
        let isOpen = true;
        const close = () => {
          isOpen = false;
        };
        promise.then(close, close);
        await pass(300);
        return isOpen;
      },
      client: (client) => {
        const { engine, cut } = cuttable(second);
        return { recipes: recipesOf(engine, client), cut };
      },
      overMs: ttl + (setup.leaseLateMs ?? 2_000),
    };
  };

  describe(name, () => {
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(async () => {
      for (const close of open.reverse()) await settle(close());
      open = [];
      await setup.dispose?.();
    });
    const run: Test = (title, body) => test(title, () => body(bench));
    describe("kv", () => kvTests(run));
    describe("kv: watches", () => watchTests(run));
    describe("locks", () => lockTests(run));
    describe("semaphores", () => semaphoreTests(run));
    describe("barriers", () => barrierTests(run));
    describe("elections", () => electionTests(run));
    describe("sequences", () => sequenceTests(run));
    describe("cluster configuration", () => configTests(run));
    describe("names", () => nameTests(run));
    describe("the roster", () => rosterTests(run));
  });
}

function kvTests(run: Test): void {
  run("get gives what put put, and undefined for what is not there", async ({ a, b, settle }) => {
    expect(await settle(a.kv.get("k"))).toBeUndefined();
    const value = { at: new Date(0), tags: new Set(["x"]), list: [1, null, "z"] };
    const revision = await settle(a.kv.put("k", value));
    expect(await settle(b.kv.get("k"))).toEqual(value);
    expect(await settle(b.kv.getEntry("k"))).toEqual({
      key: "k",
      value,
      revision,
      createRevision: revision,
      version: 1,
    });
  });

  run("delete says whether there was something", async ({ a, b, settle }) => {
    await settle(a.kv.put("k", 1));
    expect(await settle(b.kv.delete("k"))).toBe(true);
    expect(await settle(b.kv.delete("k"))).toBe(false);
    expect(await settle(a.kv.get("k"))).toBeUndefined();
  });

  run("undefined is no value: it cannot be put", async ({ a, code }) => {
    expect(await code(a.kv.put("k", undefined))).toBe("ERR_INVALID_ARGUMENT");
    expect(await code(a.kv.put("", 1))).toBe("ERR_INVALID_ARGUMENT");
  });

  run(
    "compareAndSet makes, changes and removes only what is as expected",
    async ({ a, settle }) => {
      const swap = (expected: unknown, next: unknown) =>
        settle(a.kv.compareAndSet("k", expected, next));
      expect(await swap("x", "y")).toBe(false);
      expect(await swap(undefined, "x")).toBe(true);
      expect(await swap(undefined, "y")).toBe(false);
      expect(await swap("x", "y")).toBe(true);
      expect(await settle(a.kv.get("k"))).toBe("y");
      expect(await swap("y", undefined)).toBe(true);
      expect(await settle(a.kv.get("k"))).toBeUndefined();
    },
  );

  run("compareAndSet compares values, not the order of their fields", async ({ a, settle }) => {
    await settle(a.kv.put("k", { one: 1, two: 2 }));
    expect(await settle(a.kv.compareAndSet("k", { two: 2, one: 2 }, "no"))).toBe(false);
    expect(await settle(a.kv.compareAndSet("k", { two: 2, one: 1 }, "yes"))).toBe(true);
    expect(await settle(a.kv.get("k"))).toBe("yes");
  });

  run("of many that compare and set one value at once, one does", async ({ a, b, settle }) => {
    await settle(a.kv.put("k", 0));
    const tries = Array.from({ length: 10 }, (_, i) =>
      (i % 2 ? a : b).kv.compareAndSet("k", 0, i + 1),
    );
    const done = await settle(Promise.all(tries));
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await settle(a.kv.get("k"))).toBe(done.indexOf(true) + 1);
  });

  run(
    "a transaction does its then if all conditions hold, and its else if not",
    async ({ a, settle }) => {
      const enrol = () =>
        settle(
          a.kv.transaction({
            if: [when("leader").isAbsent(), when("term").version("=", 0)],
            then: [step.put("leader", "n1"), step.put("term", 1)],
            else: [step.get<string>("leader"), step.remove("nothing")],
          }),
        );
      const first = await enrol();
      expect(first.succeeded && first.results).toEqual([undefined, undefined]);
      const second = await enrol();
      if (second.succeeded) throw new Error("the conditions do not hold");
      const [leader, removed] = second.results;
      const entry: KvEntry<string> | undefined = leader;
      expect(entry?.value).toBe("n1");
      expect(removed).toBe(false);
      expect(second.revision).toBe(first.revision);
      const third = await settle(
        a.kv.transaction({
          if: [when("leader").equals("n1"), when("term").revision("=", first.revision)],
          then: [step.remove("leader"), step.get<number>("term")],
        }),
      );
      expect(third.succeeded && third.results[0]).toBe(true);
      expect(third.succeeded && third.results[1]?.value).toBe(1);
    },
  );

  run(
    "a range gives what begins with a prefix, in order and page by page, as of one revision",
    async ({ a, settle }) => {
      const names = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(2, "0")}`);
      for (const key of [...names, "o", "q"]) await settle(a.kv.put(key, key));
      const seen: string[] = [];
      const entries = a.kv.range<string>("p/", { pageSize: 4 });
      for (let at = 0; ; at += 1) {
        const { done, value } = await settle(entries.next());
        if (done) break;
        seen.push(value.value);
        if (at === 2) {
          await settle(a.kv.put("p/999", "later"));
          await settle(a.kv.delete("p/10"));
        }
      }
      expect(seen).toEqual(names);
      const some: string[] = [];
      const few = a.kv.range({ from: "p/03", to: "p/20" }, { limit: 3, pageSize: 2 });
      for (let next = await settle(few.next()); !next.done; next = await settle(few.next())) {
        some.push(next.value.key);
      }
      expect(some).toEqual(["p/03", "p/04", "p/05"]);
      expect(await settle(a.kv.deleteRange("p/"))).toBe(25);
    },
  );

  run(
    "a value with a time to live is there until it has passed, and goes by itself",
    async ({ a, settle, pass, ttl, overMs }) => {
      await settle(a.kv.put("k", 1, { ttl }));
      expect(await settle(a.kv.compareAndSet("k", 2, 3, { ttl }))).toBe(false);
      await pass(ttl / 2);
      expect(await settle(a.kv.get("k"))).toBe(1);
      await pass(overMs);
      expect(await settle(a.kv.get("k"))).toBeUndefined();
    },
  );

  run("keys of other recipes are out of reach", async ({ a, settle }) => {
    await settle(a.locks.acquire("l"));
    await settle(a.kv.put("k", 1));
    const all = a.kv.range("");
    expect((await settle(all.next())).value?.key).toBe("k");
    expect((await settle(all.next())).done).toBe(true);
  });
}

function watchTests(run: Test): void {
  run(
    "a watch gives every change of its keys once, in order, with what was before",
    async ({ a, b, settle }) => {
      const watch = a.kv.watch<number>("w/");
      await settle(watch.ready());
      const made = await settle(b.kv.put("w/1", 1));
      await settle(b.kv.put("other", 1));
      await settle(b.kv.put("w/1", 2));
      await settle(b.kv.delete("w/1"));
      const events = await settle(take(watch, 3));
      expect(events.map(brief)).toEqual(["put w/1 1", "put w/1 2 was 1", "delete w/1 was 2"]);
      expect(events[0]?.revision).toBe(made);
      await settle(watch.close());
      expect((await settle(watch.next())).done).toBe(true);
    },
  );

  run(
    "a watch from a revision gives what happened since, a watch of one key only that key",
    async ({ a, settle }) => {
      const first = await settle(a.kv.put("w", 1));
      await settle(a.kv.put("wx", 1));
      await settle(a.kv.put("w", 2));
      const watch = a.kv.watch({ key: "w" }, { from: first });
      expect((await settle(take(watch, 2))).map(brief)).toEqual(["put w 1", "put w 2 was 1"]);
      await settle(watch.close());
    },
  );

  run("a watch that begins with what there is misses nothing between", async ({ a, settle }) => {
    await settle(a.kv.put("w/1", 1));
    const watch = a.kv.watch("w/", { initial: true });
    const [snapshot] = await settle(take(watch, 1));
    await settle(a.kv.put("w/2", 2));
    expect(snapshot?.type === "snapshot" && snapshot.entries.map(({ key }) => key)).toEqual([
      "w/1",
    ]);
    expect((await settle(take(watch, 1))).map(brief)).toEqual(["put w/2 2"]);
    await settle(watch.close());
  });

  run("the signal ends a watch without an error", async ({ a, settle }) => {
    const stop = new AbortController();
    const watch = a.kv.watch("w/", { signal: stop.signal });
    await settle(watch.ready());
    const next = watch.next();
    stop.abort();
    expect((await settle(next)).done).toBe(true);
  });
}

function lockTests(run: Test): void {
  run(
    "a lock has one holder; the next gets it when it is released, with a greater token",
    async ({ a, b, settle, isOpen }) => {
      const first = await settle(a.locks.acquire("l"));
      const waiting = b.locks.acquire("l");
      expect(await isOpen(waiting)).toBe(true);
      expect(first.isHeld).toBe(true);
      await settle(first.release());
      expect(first.isHeld).toBe(false);
      const second = await settle(waiting);
      expect(second.token).toBeGreaterThan(first.token);
      expect(second.isHeld).toBe(true);
      expect(first.signal.aborted).toBe(false);
      await settle(first.release());
      expect(second.isHeld).toBe(true);
    },
  );

  run(
    "locks of different names do not wait for each other, whatever their names are",
    async ({ a, b, settle }) => {
      const names = ["x", "x/y", "x%2Fy", "ü", "x ", "%"];
      const locks = await settle(Promise.all(names.map((name) => a.locks.acquire(name))));
      expect(await settle(b.locks.tryAcquire("x"))).toBeUndefined();
      await settle(Promise.all(locks.map((lock) => lock.release())));
      expect(await settle(b.locks.tryAcquire("x"))).toBeDefined();
    },
  );

  run("waiters get a lock in the order in which they came", async ({ a, b, settle, isOpen }) => {
    const order: number[] = [];
    let held = await settle(a.locks.acquire("l"));
    const waiting: Promise<typeof held>[] = [];
    for (let i = 0; i < 6; i += 1) {
      const next = (i % 2 ? a : b).locks.acquire("l");
      waiting.push(next);
      expect(await isOpen(next)).toBe(true);
    }
    for (const [i, next] of waiting.entries()) {
      void next.then(() => order.push(i));
      await settle(held.release());
      held = await settle(next);
    }
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await settle(a.locks.inspect("l"))).waiting).toEqual([]);
  });

  run("tryAcquire and wait: false do not wait", async ({ a, b, settle, code }) => {
    const lock = await settle(a.locks.acquire("l", { owner: "task 1" }));
    expect(await settle(b.locks.tryAcquire("l"))).toBeUndefined();
    expect(await code(b.locks.acquire("l", { wait: false }))).toBe("ERR_LOCK_HELD");
    await settle(lock.release());
    const other = await settle(b.locks.tryAcquire("l"));
    expect(other?.token).toBeGreaterThan(lock.token);
  });

  run(
    "one who gives up waiting leaves the queue and holds nobody up",
    async ({ a, b, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l"));
      const stop = new AbortController();
      const aborted = b.locks.acquire("l", { signal: stop.signal });
      expect(await isOpen(aborted)).toBe(true);
      const next = a.locks.acquire("l");
      expect(await isOpen(next)).toBe(true);
      stop.abort();
      expect(await code(aborted)).toBe("ERR_ABORTED");
      expect(await code(b.locks.acquire("l", { timeout: 200 }))).toBe("ERR_TIMEOUT");
      await settle(lock.release());
      expect((await settle(next)).isHeld).toBe(true);
    },
  );

  run("inspect tells who holds and who waits, in order", async ({ a, b, settle, isOpen }) => {
    expect(await settle(a.locks.inspect("l"))).toEqual({ holder: undefined, waiting: [] });
    const { token } = await settle(a.locks.acquire("l", { owner: "import" }));
    expect(await isOpen(b.locks.acquire("l"))).toBe(true);
    const { holder, waiting } = await settle(b.locks.inspect("l"));
    expect(holder).toEqual({ client: "a", owner: "import", token });
    expect(waiting.map(({ client }) => client)).toEqual(["b"]);
  });

  run(
    "an owner that asks for what it has is refused, another of the same client waits",
    async ({ a, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l", { owner: "one" }));
      expect(await code(a.locks.acquire("l", { owner: "one" }))).toBe("ERR_LOCK_REENTRANT");
      const other = a.locks.acquire("l", { owner: "two" });
      expect(await isOpen(other)).toBe(true);
      await settle(lock.release());
      await settle((await settle(other)).release());
      await settle((await settle(a.locks.acquire("l", { owner: "one" }))).release());
    },
  );

  run(
    "a holder that is cut off knows before another gets the lock",
    async ({ b, client, settle, pass, isOpen, ttl, overMs }) => {
      const { recipes, cut } = client("lonely");
      const lock = await settle(recipes.locks.acquire("l", { ttl }));
      await pass(3 * ttl);
      expect(lock.isHeld).toBe(true);
      const next = b.locks.acquire("l", { ttl });
      let held: boolean | undefined;
      void next.then(() => {
        held = lock.isHeld;
      });
      expect(await isOpen(next)).toBe(true);
      cut();
      await pass(overMs);
      expect((await settle(next)).token).toBeGreaterThan(lock.token);
      expect(held).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect((lock.signal.reason as { code?: string }).code).toBe("ERR_LEASE_LOST");
      await settle(lock.release());
    },
  );

  run("names that are none are refused", async ({ a, code }) => {
    for (const name of ["", "x".repeat(300), "\ud800"]) {
      expect(await code(a.locks.acquire(name))).toBe("ERR_INVALID_ARGUMENT");
    }
    expect(await code(a.locks.acquire("l", { ttl: "soon" as never }))).toBe("ERR_INVALID_ARGUMENT");
  });

  run(
    "closing releases what is held, ends what waits, and takes no more",
    async ({ a, b, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l"));
      const waiting = b.locks.acquire("l");
      expect(await isOpen(waiting)).toBe(true);
      await settle(a.locks.close());
      expect(lock.isHeld).toBe(false);
      const last = await settle(waiting);
      const third = b.locks.acquire("l");
      expect(await isOpen(third)).toBe(true);
      const ended = code(third);
      await settle(b.locks.close());
      expect(await ended).toBe("ERR_CLOSED");
      expect(last.isHeld).toBe(false);
      expect(await code(a.locks.acquire("l"))).toBe("ERR_CLOSED");
    },
  );
}

function semaphoreTests(run: Test): void {
  run(
    "no more permits are out than there are, and they are given in order",
    async ({ a, b, settle, isOpen }) => {
      const acquire = (who: Recipes, permits = 1) =>
        who.semaphores.acquire("s", { limit: 3, permits });
      const first = await settle(acquire(a));
      const two = await settle(acquire(b, 2));
      const large = acquire(a, 3);
      expect(await isOpen(large)).toBe(true);
      const small = acquire(b);
      expect(await isOpen(small)).toBe(true);
      await settle(first.release());
      // One is free and would do for the small one, but nobody is overtaken.
      expect(await isOpen(small)).toBe(true);
      await settle(two.release());
      const all = await settle(large);
      expect(all.permits).toBe(3);
      expect(await isOpen(small)).toBe(true);
      const queue = await settle(a.semaphores.inspect("s"));
      expect(queue.holders.map(({ permits }) => permits)).toEqual([3]);
      expect(queue.waiting.map(({ client }) => client)).toEqual(["b"]);
      await settle(all.release());
      expect((await settle(small)).isHeld).toBe(true);
    },
  );

  run("one that does not wait gets permits or nothing", async ({ a, b, settle }) => {
    await settle(a.semaphores.acquire("s", { limit: 2 }));
    const other = await settle(b.semaphores.tryAcquire("s", { limit: 2 }));
    expect(other?.isHeld).toBe(true);
    expect(await settle(a.semaphores.tryAcquire("s", { limit: 2 }))).toBeUndefined();
  });

  run(
    "a different limit is refused while the semaphore is in use",
    async ({ a, b, settle, code }) => {
      const permit = await settle(a.semaphores.acquire("s", { limit: 2 }));
      expect(await code(b.semaphores.acquire("s", { limit: 3 }))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(b.semaphores.acquire("s", { limit: 2, permits: 3 }))).toBe(
        "ERR_INVALID_ARGUMENT",
      );
      await settle(permit.release());
      expect((await settle(b.semaphores.acquire("s", { limit: 3 }))).isHeld).toBe(true);
    },
  );

  run(
    "permits of a client that is gone come back",
    async ({ a, client, settle, pass, overMs, ttl }) => {
      const { recipes, cut } = client("mortal");
      await settle(recipes.semaphores.acquire("s", { limit: 1, ttl }));
      const next = a.semaphores.acquire("s", { limit: 1 });
      cut();
      await pass(overMs);
      expect((await settle(next)).isHeld).toBe(true);
    },
  );
}

function barrierTests(run: Test): void {
  run(
    "all leave when the last has come, and the barrier can be used again",
    async ({ a, b, settle, isOpen }) => {
      for (const generation of [1, 2, 3]) {
        const first = a.barriers.wait("p", 3);
        const second = b.barriers.wait("p", 3);
        expect(await isOpen(first)).toBe(true);
        expect(await isOpen(second)).toBe(true);
        expect(await settle(a.barriers.waiting("p"))).toBe(2);
        const all = await settle(Promise.all([first, second, b.barriers.wait("p", 3)]));
        expect(all).toEqual([generation, generation, generation]);
      }
    },
  );

  run("those who come too late for one opening leave with the next", async ({ a, b, settle }) => {
    const waits = Array.from({ length: 9 }, (_, i) => (i % 2 ? a : b).barriers.wait("p", 3));
    const generations = await settle(Promise.all(waits));
    expect([...generations].sort()).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  run("one who gives up is not counted", async ({ a, b, settle, code, isOpen }) => {
    expect(await code(a.barriers.wait("p", 2, { timeout: 200 }))).toBe("ERR_TIMEOUT");
    const stop = new AbortController();
    const aborted = a.barriers.wait("p", 2, { signal: stop.signal });
    expect(await isOpen(aborted)).toBe(true);
    stop.abort();
    expect(await code(aborted)).toBe("ERR_ABORTED");
    const waiting = b.barriers.wait("p", 2);
    expect(await isOpen(waiting)).toBe(true);
    expect(await settle(Promise.all([waiting, a.barriers.wait("p", 2)]))).toEqual([1, 1]);
  });

  run(
    "one who died is not counted once its lease is over",
    async ({ a, b, client, settle, pass, isOpen, code, ttl, overMs }) => {
      const { recipes, cut } = client("mortal");
      const dead = recipes.barriers.wait("p", 2, { ttl });
      expect(await isOpen(dead)).toBe(true);
      cut();
      const told = code(dead);
      await pass(overMs);
      expect(await told).toBe("ERR_LEASE_LOST");
      const waiting = a.barriers.wait("p", 2);
      expect(await isOpen(waiting)).toBe(true);
      expect(await settle(Promise.all([waiting, b.barriers.wait("p", 2)]))).toEqual([1, 1]);
    },
  );

  run(
    "another count is refused while somebody waits; a barrier of one does not wait",
    async ({ a, b, settle, code, isOpen }) => {
      const waiting = a.barriers.wait("p", 2);
      expect(await isOpen(waiting)).toBe(true);
      expect(await code(b.barriers.wait("p", 3))).toBe("ERR_INVALID_ARGUMENT");
      expect(await settle(b.barriers.wait("other", 1))).toBe(1);
      await settle(b.barriers.wait("p", 2));
    },
  );
}

function electionTests(run: Test): void {
  run(
    "one candidate leads; when it resigns the next does, with a greater token",
    async ({ a, b, settle, isOpen }) => {
      const first = a.elections.campaign("e");
      const term = await settle(first.elected());
      const second = b.elections.campaign("e");
      const next = second.elected();
      expect(await isOpen(next)).toBe(true);
      expect([first.isLeader, second.isLeader]).toEqual([true, false]);
      expect(await settle(b.elections.leader("e"))).toEqual({ client: "a", token: term.token });
      await settle(first.resign());
      expect(term.signal.aborted).toBe(true);
      expect((term.signal.reason as { details: object }).details).toMatchObject({
        reason: "resigned",
      });
      const { token } = await settle(next);
      expect(token).toBeGreaterThan(term.token);
      expect([first.isLeader, second.isLeader, second.token]).toEqual([false, true, token]);
    },
  );

  run(
    "the loop of a campaign yields the leaderships that are won, and ends when it resigns",
    async ({ a, settle }) => {
      const campaign = a.elections.campaign("e");
      const terms: Leadership[] = [];
      const loop = (async () => {
        for await (const term of campaign) {
          terms.push(term);
          expect(term.isLeader).toBe(true);
          void campaign.resign();
        }
      })();
      await settle(loop);
      expect(terms).toHaveLength(1);
      expect(await settle(a.elections.leader("e"))).toBeUndefined();
    },
  );

  run(
    "a leader that is cut off knows before another leads",
    async ({ b, client, settle, pass, isOpen, ttl, overMs }) => {
      const { recipes, cut } = client("mortal");
      const term = await settle(recipes.elections.campaign("e", { ttl }).elected());
      const next = b.elections.campaign("e", { ttl }).elected();
      let led: boolean | undefined;
      void next.then(() => {
        led = term.isLeader;
      });
      expect(await isOpen(next)).toBe(true);
      cut();
      await pass(overMs + 1_000);
      expect((await settle(next)).token).toBeGreaterThan(term.token);
      expect(led).toBe(false);
      expect((term.signal.reason as { code?: string }).code).toBe("ERR_LEADERSHIP_LOST");
    },
  );

  run(
    "a better candidate takes over, after it has been there for a while and the old leader has stopped",
    async ({ a, b, settle, pass, isOpen }) => {
      const old = await settle(
        a.elections.campaign("e", { preference: 1, settle: 1_500 }).elected(),
      );
      const better = b.elections.campaign("e", { preference: 2, settle: 1_500 });
      const elected = better.elected();
      expect(await isOpen(elected)).toBe(true);
      expect(old.isLeader).toBe(true);
      await pass(2_500);
      expect(old.signal.aborted).toBe(true);
      expect((old.signal.reason as { details: object }).details).toMatchObject({
        reason: "handed-over",
      });
      expect(await isOpen(elected)).toBe(true);
      old.done();
      expect((await settle(elected)).token).toBeGreaterThan(old.token);
    },
  );

  run(
    "one that is no better than the margin does not take over",
    async ({ a, b, settle, pass }) => {
      const old = a.elections.campaign("e", { preference: 1, settle: 100, margin: 5 });
      await settle(old.elected());
      const other = b.elections.campaign("e", { preference: 6, settle: 100 });
      await pass(1_000);
      expect([old.isLeader, other.isLeader]).toEqual([true, false]);
    },
  );

  run("a vacant leadership goes to the best candidate", async ({ a, b, settle, isOpen }) => {
    const first = a.elections.campaign("e", { preference: 9 });
    await settle(first.elected());
    const weak = a.elections.campaign("e", { preference: [{ label: "zone", is: "x" }] });
    expect(await isOpen(weak.elected())).toBe(true);
    const strong = b.elections.campaign("e", { preference: 5 });
    const elected = strong.elected();
    expect(await isOpen(elected)).toBe(true);
    await settle(first.resign());
    await settle(elected);
    expect([weak.isLeader, strong.isLeader]).toEqual([false, true]);
  });

  run("observers see who leads, from the first on", async ({ a, b, settle }) => {
    const seen: (string | undefined)[] = [];
    const observed = b.elections.observe("e");
    seen.push((await settle(observed.next())).value?.client);
    const campaign = a.elections.campaign("e");
    const won = observed.next();
    await settle(campaign.elected());
    seen.push((await settle(won)).value?.client);
    const over = observed.next();
    await settle(campaign.resign());
    seen.push((await settle(over)).value?.client);
    expect(seen).toEqual([undefined, "a", undefined]);
    await settle(observed.return(undefined));
  });

  run("a campaign that has resigned is over", async ({ a, settle, code }) => {
    const stop = new AbortController();
    const campaign = a.elections.campaign("e", { signal: stop.signal });
    await settle(campaign.elected());
    stop.abort();
    expect(campaign.isLeader).toBe(false);
    expect(await code(campaign.elected())).toBe("ERR_CLOSED");
    await settle(campaign.resign());
    expect(await settle(a.elections.leader("e"))).toBeUndefined();
  });
}

function sequenceTests(run: Test): void {
  run("numbers come once and in order, whoever asks", async ({ a, b, settle }) => {
    expect(await settle(a.sequences.current("s"))).toBe(0);
    expect(await settle(a.sequences.next("s"))).toBe(1);
    expect(await settle(b.sequences.next("s"))).toBe(2);
    expect(await settle(b.sequences.take("s", 10))).toEqual({ first: 3, last: 12 });
    expect(await settle(a.sequences.next("s"))).toBe(13);
    expect(await settle(a.sequences.next("other"))).toBe(1);
    expect(await settle(b.sequences.current("s"))).toBe(13);
  });

  run("many calls at once get all numbers, none twice", async ({ a, b, settle }) => {
    const calls = Array.from({ length: 60 }, (_, i) => (i % 3 ? a : b).sequences.next("s"));
    const numbers = await settle(Promise.all(calls));
    expect([...numbers].sort((x, y) => x - y)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });

  run("what cannot be counted is refused", async ({ a, settle, code }) => {
    expect(await code(a.sequences.take("s", 0))).toBe("ERR_INVALID_ARGUMENT");
    await settle(a.sequences.close());
    expect(await code(a.sequences.next("s"))).toBe("ERR_CLOSED");
  });
}

function configTests(run: Test): void {
  run("a setting is there for all, at once where it was set", async ({ a, b, settle, pass }) => {
    await settle(Promise.all([a.config.ready(), b.config.ready()]));
    await settle(a.config.setClusterWide(["feature", "x"], true));
    expect(a.config.get(["feature", "x"])).toBe(true);
    expect(await settle(b.config.getWithConsensus(["feature", "x"]))).toBe(true);
    await pass(300);
    expect(b.config.get(["feature", "x"])).toBe(true);
    await settle(b.config.setClusterWide(["feature", "x"], undefined));
    expect(b.config.get(["feature", "x"])).toBeUndefined();
    expect(await settle(a.config.getWithConsensus(["feature", "x"]))).toBeUndefined();
  });

  run(
    "the policy says what happens to what another has set",
    async ({ a, b, settle, pass, code }) => {
      const path = ["limit"];
      await settle(Promise.all([a.config.ready(), b.config.ready()]));
      await settle(a.config.setClusterWide(path, 1));
      await pass(300);
      await settle(a.config.setClusterWide(path, 2, { conflict: "compare" }));
      expect(await code(b.config.setClusterWide(path, 3, { conflict: "refuse" }))).toBe(
        "ERR_CONFIG_CONFLICT",
      );
      await settle(b.config.setClusterWide(path, 2, { conflict: "refuse" }));
      const sum = (x: unknown, y: unknown) => Number(x) + Number(y);
      await settle(b.config.setClusterWide(path, 5, { conflict: sum }));
      expect(await settle(a.config.getWithConsensus(path))).toBe(7);
      await settle(a.config.setClusterWide(path, 1));
      expect(await settle(b.config.getWithConsensus(path))).toBe(1);
    },
  );

  run("settings that are set at once by function are all counted", async ({ a, b, settle }) => {
    const add = (x: unknown, y: unknown) => Number(x ?? 0) + Number(y);
    await settle(
      Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 ? a : b).config.setClusterWide(["sum"], 1, { conflict: add }),
        ),
      ),
    );
    expect(await settle(a.config.getWithConsensus(["sum"]))).toBe(12);
  });

  run(
    "entries and watches of a path have what is below it and nothing beside it",
    async ({ a, settle }) => {
      await settle(a.config.ready());
      const watch = a.config.watch(["a"]);
      await settle(watch.ready());
      const paths = [["a"], ["a", "b/c"], ["a b"], ["ab"]];
      for (const path of paths) await settle(a.config.setClusterWide(path, path.length));
      expect(a.config.entries(["a"]).map(({ path }) => path)).toEqual([["a"], ["a", "b/c"]]);
      expect(a.config.entries()).toHaveLength(4);
      const events = await settle(take(watch, 2));
      const keys = events.map((event) => event.type !== "snapshot" && a.config.pathOf(event.key));
      expect(keys).toEqual([["a"], ["a", "b/c"]]);
      await settle(watch.close());
    },
  );
}

function nameTests(run: Test): void {
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

function rosterTests(run: Test): void {
  run(
    "a quorum is counted from the committed members, not from those one sees",
    async ({ a, settle }) => {
      await settle(a.roster.ready());
      expect(a.roster.current()).toEqual({ epoch: 0, members: [] });
      expect(a.roster.hasQuorum([])).toBe(false);
      const committed = await settle(a.roster.propose(["c", "a", "b", "a", "d"]));
      expect(committed).toEqual({ epoch: 1, members: ["a", "b", "c", "d"] });
      expect(a.roster.hasQuorum(["a", "b", "x", "y", "z"])).toBe(false);
      expect(a.roster.hasQuorum(["a", "b", "c"])).toBe(true);
    },
  );

  run("of two proposals from one epoch, one is committed", async ({ a, b, settle, code, pass }) => {
    await settle(a.roster.propose(["a", "b", "c"]));
    const both = [
      code(a.roster.propose(["a", "b"], { epoch: 1 })),
      code(b.roster.propose(["a", "b", "c", "d"], { epoch: 1 })),
    ];
    expect((await settle(Promise.all(both))).sort()).toEqual(["ERR_ROSTER_EPOCH", "resolved"]);
    await pass(300);
    expect(a.roster.current()).toEqual(await settle(b.roster.read()));
    expect(b.roster.current().epoch).toBe(2);
  });

  run(
    "a change whose majorities might miss those of before is refused unless it is forced",
    async ({ a, settle, code }) => {
      await settle(a.roster.propose(["a", "b", "c"]));
      expect(await code(a.roster.propose(["d", "e", "f"]))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(a.roster.propose(["a"]))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(a.roster.propose([]))).toBe("ERR_INVALID_ARGUMENT");
      expect((await settle(a.roster.propose(["a", "b"]))).epoch).toBe(2);
      expect((await settle(a.roster.propose(["d"], { force: true }))).epoch).toBe(3);
    },
  );
}

async function take<T>(events: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done) throw new Error(`the loop ended after ${taken.length} of ${count}`);
    taken.push(value);
  }
  return taken;
}

function brief(event: KvEvent<unknown>): string {
  if (event.type === "snapshot") return `snapshot ${event.reason}`;
  const value = event.type === "put" ? ` ${String(event.entry.value)}` : "";
  const was = event.previous ? ` was ${String(event.previous.value)}` : "";
  return `${event.type} ${event.key}${value}${was}`;
}
