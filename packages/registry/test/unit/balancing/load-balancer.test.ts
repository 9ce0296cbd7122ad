import { afterEach, describe, expect, test } from "@jest/globals";
import { coreErrors, type NodeLoad } from "@foundation/core";
import type {
  BalancingEvent,
  Registry,
  RegistryOptions,
  ServiceHandle,
  ServiceOptions,
} from "../../../src/index.js";
import { codeOf, world, type World } from "../runtime/world.js";

let open: World | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function start(count: number, options: Partial<RegistryOptions> = {}): Promise<World> {
  open = await world(count, {}, options);
  return open;
}

function at(w: World, place: number): Registry {
  return w.at(place).registry;
}

/** Offers `api` on nodes; each answers with its place. */
async function offer(
  w: World,
  places: readonly number[],
  over: (place: number) => Partial<ServiceOptions> = () => ({}),
): Promise<ServiceHandle[]> {
  const handles = places.map((place) =>
    at(w, place).services.register("api", { handle: () => place, ...over(place) }),
  );
  await w.advance(10);
  return handles;
}

/** Requests one after the other; the value or the code of each. */
async function ask(
  w: World,
  count: number,
  options: Parameters<Registry["loadBalancer"]["route"]>[2] = {},
): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let index = 0; index < count; index++) {
    const answer = w.run(at(w, 0).loadBalancer.route("api", index, options));
    answers.push(await answer.catch((error: { code?: string }) => error.code));
  }
  return answers;
}

function why(w: World): string[] {
  const { instances } = at(w, 0).loadBalancer.explain("api");
  return instances.map(({ node, why: reason }) => {
    const place = w.nodes.findIndex(({ port }) => port.id === node);
    return `${place} ${reason}`;
  });
}

const sick = () => {
  throw new Error("broken");
};

describe("routing", () => {
  test("gives the answer of an instance, which gets the request and who sent it", async () => {
    const w = await start(2);
    at(w, 1).services.register("api", {
      handle: (request, { from, service, deadline, signal }) => {
        const isOpen = !signal.aborted && deadline !== undefined;
        return { request, from, service, isOpen };
      },
    });
    await w.advance(10);
    expect(await w.run(at(w, 0).loadBalancer.route("api", { n: 1 }))).toEqual({
      request: { n: 1 },
      from: w.at(0).port.id,
      service: "api",
      isOpen: true,
    });
  });

  test("by turns, by weight, by key and by nearness", async () => {
    const w = await start(3);
    await offer(w, [0, 1, 2], (place) => ({ weight: place + 1 }));
    const rounds = await ask(w, 6, { strategy: "round-robin" });
    expect(rounds.slice(3)).toEqual(rounds.slice(0, 3));
    expect([...rounds].sort()).toEqual([0, 0, 1, 1, 2, 2]);
    const weighted = await ask(w, 12, { strategy: "weighted" });
    expect([0, 1, 2].map((place) => weighted.filter((one) => one === place).length)).toEqual([
      2, 4, 6,
    ]);
    expect(new Set(await ask(w, 5, { key: "ann" })).size).toBe(1);
    expect(await ask(w, 3, { strategy: "locality" })).toEqual([0, 0, 0]);
    for (const strategy of ["random", "least-connections"] as const) {
      const chosen = await ask(w, 40, { strategy });
      expect([...new Set(chosen)].sort()).toEqual([0, 1, 2]);
    }
    // The one that is as far as another and weighs less is the better of no two.
    expect(new Set(await ask(w, 40))).toEqual(new Set([0, 2]));
  });

  test("equal keys reach the same instance from every node", async () => {
    const w = await start(3);
    await offer(w, [0, 1, 2]);
    for (const key of ["a", "b", "c", "d"]) {
      const from = [0, 1, 2].map((place) => at(w, place).loadBalancer.route("api", 0, { key }));
      expect(new Set(await w.run(Promise.all(from))).size).toBe(1);
    }
  });

  test("keeps to constraints, and says which nobody meets", async () => {
    const loads = new Map<string, NodeLoad>();
    const w = await start(3, { loadOf: (node) => loads.get(node) });
    await offer(w, [1, 2], (place) => ({ capabilities: [`v${place}`] }));
    const load = (cpu: number): NodeLoad => ({ eventLoop: cpu, processor: 0.1, memory: 0.5 });
    loads.set(w.at(1).port.id, load(0.9));
    loads.set(w.at(2).port.id, load(0.3));
    const cpu = { below: 0.8 };
    expect(new Set(await ask(w, 10, { constraints: { cpu } }))).toEqual(new Set([2]));
    expect(await ask(w, 2, { constraints: { capability: "v1" } })).toEqual([1, 1]);
    const both = { constraints: { cpu, capability: "v1" } };
    const failed = w.run(at(w, 0).loadBalancer.route("api", 0, both));
    await expect(failed).rejects.toMatchObject({
      code: "ERR_NO_INSTANCE",
      message: expect.stringContaining("cpu, capability"),
    });
    const { instances } = at(w, 0).loadBalancer.explain("api", both);
    expect(instances.map(({ why: reason }) => reason).sort()).toEqual([
      "it lacks the capability v1",
      "the cpu of its node is at 0.90, not below 0.8",
    ]);
  });

  test("refuses options it does not know, a key without its strategy and the other way round", async () => {
    const w = await start(1);
    await offer(w, [0]);
    const codes = [
      { strategy: "best" },
      { strategy: "consistent-hash" },
      { strategy: "random", key: "k" },
      { retries: -1 },
      { constraints: { gpu: { below: 1 } } },
      { constraints: { cpu: { below: 80 } } },
    ].map((options) => codeOf(at(w, 0).loadBalancer.route("api", 0, options as object)));
    expect(new Set(await Promise.all(codes))).toEqual(new Set(["ERR_INVALID_ARGUMENT"]));
    expect(() => at(w, 0).services).not.toThrow();
    expect(await codeOf(at(w, 0).loadBalancer.route("nobody", 0))).toBe("ERR_NO_INSTANCE");
  });
});

describe("a retry", () => {
  test("goes elsewhere when nothing ran, and is not made when something may have", async () => {
    const w = await start(3);
    const [first] = await offer(w, [1]);
    await offer(w, [2]);
    await ask(w, 1);
    // Node 0 has not heard yet that the first one is gone.
    void first?.deregister();
    expect(await ask(w, 4, { strategy: "round-robin" })).toEqual([2, 2, 2, 2]);
    at(w, 1).services.register("api", { handle: sick });
    // Past its slow start, so that it has its turn.
    await w.advance(11_000);
    const answers = await ask(w, 2, { strategy: "round-robin" });
    expect([...answers].sort()).toEqual([2, "ERR_HANDLER_FAILED"]);
  });

  test("is made of an idempotent service too when the answer was lost", async () => {
    const w = await start(3);
    let begun = 0;
    const hang = () => {
      begun += 1;
      return new Promise(() => undefined);
    };
    await offer(w, [1, 2], (place) => (place === 1 ? { handle: hang, idempotent: true } : {}));
    const both = [0, 1].map(() =>
      at(w, 0).loadBalancer.route("api", 0, { strategy: "round-robin", timeout: "1h" }),
    );
    await w.advance(10);
    expect(begun).toBe(1);
    w.cluster.down(1);
    expect(await w.run(Promise.all(both))).toEqual([2, 2]);
  });

  test("is not made of another service when the answer was lost: it says that it may have run", async () => {
    const w = await start(3);
    await offer(w, [1], () => ({ handle: () => new Promise(() => undefined) }));
    const lost = codeOf(at(w, 0).loadBalancer.route("api", 0, { timeout: "1h" }));
    await w.advance(10);
    await offer(w, [2]);
    w.cluster.down(1);
    expect(await w.run(lost)).toBe("ERR_OUTCOME_UNKNOWN");
  });

  test("is paid from a budget of all requests: a storm of failures makes few of them", async () => {
    let ran = 0;
    const busy = () => {
      ran += 1;
      throw coreErrors.ERR_QUEUE_FULL("busy", { queue: "jobs", limit: 1, unit: "messages" });
    };
    // Circuits that never open, so that only the budget can hold the retries back.
    const never = { circuitWindow: 100_000, circuitRequestsMin: 100_000 };
    const w = await start(3, { balancing: { ...never, retryShare: 0.1, retryReserve: 5 } });
    await offer(w, [0, 1, 2], () => ({ handle: busy, idempotent: true }));
    const answers = await ask(w, 200, { strategy: "round-robin" });
    expect(new Set(answers)).toEqual(new Set(["ERR_QUEUE_FULL"]));
    expect(ran).toBeGreaterThanOrEqual(200 + 20);
    expect(ran).toBeLessThanOrEqual(200 + 20 + 5);
    expect(at(w, 0).loadBalancer.explain("api").retriesLeft).toBe(0);
    const metrics = w.at(0).runtime.meter.snapshot();
    expect(metrics.get('service_retries_total{service="api"}')).toBe(ran - 200);
  });
});

describe("a sick instance", () => {
  test("gets no requests while its circuit is open, one to see, and little when it is back", async () => {
    const w = await start(3, { balancing: { circuitRequestsMin: 3, circuitWindow: 10 } });
    let isSick = true;
    let asked = 0;
    const handle = () => {
      asked += 1;
      return isSick ? sick() : 1;
    };
    await offer(w, [1, 2], (place) => (place === 1 ? { handle } : {}));
    const events: string[] = [];
    const follow = async () => {
      const stream: AsyncIterable<BalancingEvent> = at(w, 0).loadBalancer.watch();
      for await (const event of stream) {
        events.push(event.type === "out" ? `out ${event.reason} ${event.forMs}` : "in");
      }
    };
    const following = follow();
    const answers = await ask(w, 6, { strategy: "round-robin" });
    expect(answers.filter((answer) => answer === "ERR_HANDLER_FAILED")).toHaveLength(3);
    expect(await ask(w, 4, { strategy: "round-robin" })).toEqual([2, 2, 2, 2]);
    expect(why(w).join()).toMatch(/1 its circuit is open for \d+ ms more/);
    expect(asked).toBe(3);
    await w.advance(5_000);
    // The probe fails: open again, for twice as long, and the others get everything.
    const probed = await ask(w, 3, { strategy: "round-robin" });
    expect([...probed].sort()).toEqual([2, 2, "ERR_HANDLER_FAILED"]);
    await w.advance(5_000);
    expect(await ask(w, 3, { strategy: "round-robin" })).toEqual([2, 2, 2]);
    isSick = false;
    await w.advance(5_000);
    expect((await ask(w, 2, { strategy: "round-robin" })).sort()).toEqual([1, 2]);
    const [share] = at(w, 0)
      .loadBalancer.explain("api")
      .instances.filter(({ node }) => node === w.at(1).port.id);
    expect(share).toMatchObject({ isIn: true, why: expect.stringContaining("% of its share") });
    await w.advance(10_000);
    expect(why(w)).toEqual(expect.arrayContaining(["1 in", "2 in"]));
    await w.run(at(w, 0).close());
    await w.run(following);
    expect(events).toEqual(["out circuit-open 5000", "out circuit-open 10000", "in"]);
  });

  test("all of them being out is an error of its own that says why and that nothing ran", async () => {
    const w = await start(2, { balancing: { circuitRequestsMin: 3, circuitWindow: 10 } });
    await offer(w, [0, 1], () => ({ handle: sick }));
    await ask(w, 6, { strategy: "round-robin" });
    const failed = w.run(at(w, 0).loadBalancer.route("api", 0));
    await expect(failed).rejects.toMatchObject({
      code: "ERR_ALL_INSTANCES_OUT",
      retryable: true,
      message: expect.stringContaining("its circuit is open for"),
    });
  });

  test("an answer of the application is no sickness, and a caller who gives up neither", async () => {
    const w = await start(2, { balancing: { circuitRequestsMin: 1, circuitWindow: 5 } });
    let fails = true;
    await offer(w, [1], () => ({
      handle: () => {
        if (!fails) return new Promise(() => undefined);
        throw coreErrors.ERR_PROCESS_DEFINED_TWICE("twice", { definition: "x" });
      },
    }));
    expect(new Set(await ask(w, 5))).toEqual(new Set(["ERR_PROCESS_DEFINED_TWICE"]));
    fails = false;
    for (let count = 0; count < 3; count++) {
      const controller = new AbortController();
      const { signal } = controller;
      const given = codeOf(at(w, 0).loadBalancer.route("api", 0, { signal }));
      await w.advance(10);
      controller.abort();
      expect(await w.run(given)).toBe("ERR_OUTCOME_UNKNOWN");
    }
    expect(why(w)).toEqual(["1 in"]);
  });

  test("a request that is not answered in time counts against the instance", async () => {
    const w = await start(2, { balancing: { circuitRequestsMin: 2, circuitWindow: 5 } });
    await offer(w, [1], () => ({ handle: () => new Promise(() => undefined) }));
    expect(await ask(w, 3, { timeout: 100 })).toEqual([
      "ERR_OUTCOME_UNKNOWN",
      "ERR_OUTCOME_UNKNOWN",
      "ERR_ALL_INSTANCES_OUT",
    ]);
  });

  test("one that says itself that it is unhealthy gets nothing until it says otherwise", async () => {
    const w = await start(2);
    let isWell = true;
    const health = () => isWell;
    const over = { health, healthInterval: "1s", fall: 1, rise: 1 };
    await offer(w, [0, 1], (place) => (place === 1 ? over : {}));
    isWell = false;
    await w.advance(1_500);
    expect(new Set(await ask(w, 5))).toEqual(new Set([0]));
    expect(why(w)).toContain("1 it is unhealthy");
    isWell = true;
    await w.advance(15_000);
    expect(new Set(await ask(w, 4, { strategy: "round-robin" }))).toEqual(new Set([0, 1]));
  });
});

describe("a slow instance", () => {
  test("is left alone for a while and comes back", async () => {
    const rules = { slowSamplesMin: 5, reviewMs: 1_000, slowMs: 20_000 };
    const w = await start(3, { balancing: rules });
    let tookMs = 300;
    await offer(w, [0, 1, 2], (place) => ({
      handle: async () => {
        await w.clock.sleep(place === 2 ? tookMs : 20);
        return place;
      },
    }));
    await ask(w, 30, { strategy: "round-robin" });
    expect(new Set(await ask(w, 10, { strategy: "round-robin" }))).toEqual(new Set([0, 1]));
    expect(why(w).join()).toMatch(/2 it is slow and left alone for \d+ ms more/);
    tookMs = 20;
    await w.advance(20_000);
    await ask(w, 1);
    await w.advance(10_000);
    const after = await ask(w, 30, { strategy: "round-robin" });
    expect(after.filter((place) => place === 2)).toHaveLength(10);
  });
});

describe("an instance that goes", () => {
  test("answers what it works on, and nothing that comes later", async () => {
    const w = await start(2);
    let finish: (value: string) => void = () => undefined;
    const [handle] = await offer(w, [1], () => ({
      handle: () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
    }));
    const request = at(w, 0).loadBalancer.route("api", 0);
    await w.advance(10);
    expect(handle?.underWay).toBe(1);
    let isGone = false;
    const going = handle?.deregister().then(() => {
      isGone = true;
    });
    const late = codeOf(at(w, 0).loadBalancer.route("api", 1));
    await w.advance(100);
    expect([isGone, await w.run(late)]).toEqual([false, "ERR_NO_INSTANCE"]);
    finish("done");
    expect(await w.run(request)).toBe("done");
    await w.run(Promise.resolve(going));
    expect(isGone).toBe(true);
  });

  test("is not waited for longer than the grace period", async () => {
    const w = await start(1, { limits: { serviceGraceMs: 300 } });
    const [handle] = await offer(w, [0], () => ({ handle: () => new Promise(() => undefined) }));
    const request = codeOf(at(w, 0).loadBalancer.route("api", 0, { timeout: "2s" }));
    await w.advance(10);
    const began = w.clock.now();
    await w.run(handle?.deregister() as Promise<void>);
    expect(w.clock.now() - began).toBe(300);
    expect(await w.run(request)).toBe("ERR_OUTCOME_UNKNOWN");
  });

  test("with its node draining or suspected is asked only when nobody else is there", async () => {
    const w = await start(3);
    await offer(w, [1, 2]);
    w.cluster.drain(1);
    await w.advance(10);
    expect(new Set(await ask(w, 6))).toEqual(new Set([2]));
    expect(why(w)).toContain("1 its node is draining");
    w.cluster.down(2);
    await w.advance(10);
    expect(await ask(w, 2)).toEqual([1, 1]);
  });
});

describe("a bulkhead", () => {
  test("of an instance lets some in, some wait, and refuses the others before anything ran", async () => {
    const w = await start(2, { limits: { serviceQueueMax: 2 } });
    const finish: (() => void)[] = [];
    await offer(w, [1], () => ({
      concurrency: 1,
      handle: () => new Promise<string>((resolve) => finish.push(() => resolve("done"))),
    }));
    const options = { timeout: 10_000, retries: 0 };
    const requests = Array.from({ length: 4 }, () =>
      at(w, 0)
        .loadBalancer.route("api", 0, options)
        .catch((error: { code?: string }) => error.code),
    );
    await w.advance(10);
    expect(finish).toHaveLength(1);
    expect(await w.run(requests[3] as Promise<unknown>)).toBe("ERR_BULKHEAD_FULL");
    for (let count = 0; count < 3; count++) {
      finish[count]?.();
      await w.advance(10);
    }
    expect(await w.run(Promise.all(requests.slice(0, 3)))).toEqual(["done", "done", "done"]);
  });

  test("does not begin a request whose caller's time ran out while it waited", async () => {
    const w = await start(2);
    let begun = 0;
    const finish: (() => void)[] = [];
    await offer(w, [1], () => ({
      concurrency: 1,
      handle: () => {
        begun += 1;
        return new Promise<void>((resolve) => finish.push(resolve));
      },
    }));
    const first = codeOf(at(w, 0).loadBalancer.route("api", 0, { timeout: "1m" }));
    await w.advance(10);
    const second = codeOf(at(w, 0).loadBalancer.route("api", 0, { timeout: 100 }));
    await w.advance(200);
    finish[0]?.();
    await w.advance(10);
    expect(await w.run(Promise.all([first, second]))).toEqual(["none", "ERR_OUTCOME_UNKNOWN"]);
    expect(begun).toBe(1);
  });

  test("of a caller bounds what it has under way", async () => {
    const w = await start(2, { limits: { routedMax: 2 } });
    await offer(w, [1], () => ({ handle: () => new Promise(() => undefined) }));
    const codes = [0, 1, 2].map(() =>
      codeOf(at(w, 0).loadBalancer.route("api", 0, { timeout: "1s" })),
    );
    expect(await w.run(Promise.all(codes))).toEqual([
      "ERR_OUTCOME_UNKNOWN",
      "ERR_OUTCOME_UNKNOWN",
      "ERR_BULKHEAD_FULL",
    ]);
  });
});

test("what a peer sends that is no request is answered without calling anybody", async () => {
  const w = await start(2);
  let ran = 0;
  await offer(w, [1], () => ({ handle: () => ++ran }));
  const route = { to: w.at(1).port.id, channel: "processes", subject: "services.request" };
  const { messenger } = w.at(0).port;
  for (const payload of [
    undefined,
    7,
    [],
    [w.at(1).port.boot, 0],
    [w.at(1).port.boot, 0, "db", 1],
  ]) {
    expect(await w.run(messenger.request(route, payload))).toMatchObject([2, {}]);
  }
  expect(ran).toBe(0);
});
