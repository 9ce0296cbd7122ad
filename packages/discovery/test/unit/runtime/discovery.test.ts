import { describe, expect, test } from "@jest/globals";
import { createNodeId, type DiscoveryStrategy, type Peer } from "@foundation/core";
import { listDiscovery, memoryRuntime } from "@foundation/core/testing";
import { discoveryErrors } from "../../../src/errors.js";
import { createDiscovery, fallback, union, type DiscoveryOptions } from "../../../src/index.js";
import { discoveryLimits } from "../../../src/limits.js";

const problem = discoveryErrors.ERR_DISCOVERY_FAILED("away", { strategy: "list", reason: "away" });

function start(strategies: readonly DiscoveryStrategy[], more: Partial<DiscoveryOptions> = {}) {
  const runtime = memoryRuntime();
  const told: (readonly Peer[])[] = [];
  const discovery = createDiscovery({
    strategies,
    cluster: "shop",
    self: { id: createNodeId(runtime.random), address: "ws://127.0.0.1:7000", name: "n" },
    runtime,
    onPeers: (peers) => told.push(peers),
    ...more,
  });
  const addresses = () => discovery.peers().map(({ address }) => address);
  return { discovery, runtime, clock: runtime.clock, told, addresses };
}

/** A strategy that does what each of the functions says, one for each time it is started. */
function scripted(...runs: (() => AsyncIterable<{ source: string; peers: Peer[] }>)[]) {
  let started = 0;
  const strategy: DiscoveryStrategy = {
    name: "scripted",
    discover: () => {
      started += 1;
      return (runs[started - 1] ?? runs.at(-1)!)();
    },
  };
  return { strategy, started: () => started };
}

const yielding = (...addresses: string[]) =>
  async function* () {
    yield { source: "scripted", peers: addresses.map((address) => ({ address })) };
  };
const throwing = () =>
  // oxlint-disable-next-line require-yield
  (async function* (): AsyncGenerator<{ source: string; peers: Peer[] }> {
    throw new Error("boom");
  })();

describe("running discovery", () => {
  test("offers what the strategies find and tells every change", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001"]);
    const { discovery, clock, told, addresses } = start([list]);
    await clock.run(discovery.firstRound);
    expect(addresses()).toEqual(["ws://127.0.0.1:7001"]);
    list.set(["ws://127.0.0.1:7001", "ws://127.0.0.1:7002"]);
    await clock.settle();
    expect(told.map((peers) => peers.length)).toEqual([1, 2]);
    await clock.run(discovery.close());
  });

  test("our own address is never offered, nor is an address that is none", async () => {
    const list = listDiscovery([]);
    const { discovery, runtime, clock, addresses } = start([list]);
    list.set(["ws://127.0.0.1:7000", "http://evil:1", "ws://127.0.0.1:7001"]);
    await clock.run(discovery.firstRound);
    expect(addresses()).toEqual(["ws://127.0.0.1:7001"]);
    expect(discovery.problems().map(({ error }) => error.code)).toEqual(["ERR_PEER_ADDRESS"]);
    expect(runtime.logger.lines).toHaveLength(1);
    await clock.run(discovery.close());
  });

  test("addresses of our own transport are offered as they are, whatever its scheme", async () => {
    const list = listDiscovery(["memory://b:1000", "memory://a:1000", "other://c:1"]);
    const self = {
      id: createNodeId(memoryRuntime().random),
      address: "memory://a:1000",
      name: "a",
    };
    const { discovery, clock, addresses } = start([list], { self });
    await clock.run(discovery.firstRound);
    expect(addresses()).toEqual(["memory://b:1000"]);
    await clock.run(discovery.close());
  });

  test("a node with our id at another address is offered, so that the clash comes out", async () => {
    const twin = { address: "ws://127.0.0.1:7009", id: createNodeId(memoryRuntime().random) };
    const { discovery, clock } = start([listDiscovery([twin])]);
    await clock.run(discovery.firstRound);
    expect(discovery.peers()).toEqual([twin]);
    await clock.run(discovery.close());
  });

  test("the first round waits for each strategy to yield or fail", async () => {
    const lists = [listDiscovery([]), listDiscovery(["ws://127.0.0.1:7001"])];
    const silent: DiscoveryStrategy = {
      name: "silent",
      discover: async function* ({ signal, report }) {
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve());
          report(problem);
        });
      },
    };
    const { discovery, clock } = start([...lists, silent]);
    await clock.run(discovery.firstRound, { withinMs: 0 });
    await clock.run(discovery.close());
  });

  test("the first round is not ended by a stranger, nor by a part of a strategy", async () => {
    const stranger = discoveryErrors.ERR_LAN_STRANGER("Who?", { strategy: "slow", source: "?" });
    const slow: DiscoveryStrategy = {
      name: "slow",
      discover: async function* ({ signal, report, clock: time }) {
        report(stranger);
        await time.sleep(300, { signal });
        yield { source: "slow", peers: [{ address: "ws://127.0.0.1:7001" }] };
        await time.sleep(1e9, { signal }).catch(() => undefined);
      },
    };
    const broken = scripted(throwing).strategy;
    for (const strategy of [slow, union([broken, slow]), fallback([broken, slow])]) {
      const { discovery, clock, addresses } = start([strategy]);
      await clock.run(discovery.firstRound);
      expect(addresses()).toEqual(["ws://127.0.0.1:7001"]);
      await clock.run(discovery.close());
    }
  });

  test("the first round ends in time although a strategy says nothing", async () => {
    const hanging = scripted(() => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
    }));
    const { discovery, clock } = start([hanging.strategy], { firstRound: "2s" });
    let hasEnded = false;
    void discovery.firstRound.then(() => {
      hasEnded = true;
    });
    await clock.advance(1_999);
    expect(hasEnded).toBe(false);
    await clock.advance(1);
    expect(hasEnded).toBe(true);
    const before = clock.now();
    await clock.run(discovery.close());
    expect(clock.now() - before).toBe(discoveryLimits.closeMs);
  });

  test("a failure, an empty answer and a strategy that throws keep the last peers", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001"]);
    const { strategy, started } = scripted(yielding("ws://127.0.0.1:7002"), throwing);
    const { discovery, clock, addresses } = start([list, strategy]);
    await clock.run(discovery.firstRound);
    list.fail(problem);
    list.set([]);
    await clock.advance(5_000);
    expect(started()).toBeGreaterThan(1);
    expect(addresses()).toEqual(["ws://127.0.0.1:7001", "ws://127.0.0.1:7002"]);
    await clock.run(discovery.close());
  });

  test("a peer that stays away is forgotten after its time", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001", "ws://127.0.0.1:7002"]);
    const { discovery, clock, addresses } = start([list]);
    await clock.run(discovery.firstRound);
    list.set(["ws://127.0.0.1:7002"]);
    await clock.advance(discoveryLimits.forgetAfterMs - 1);
    expect(addresses()).toHaveLength(2);
    await clock.advance(1);
    expect(addresses()).toEqual(["ws://127.0.0.1:7002"]);
    await clock.run(discovery.close());
  });

  test("a strategy that keeps throwing is started again ever more rarely, and logged once", async () => {
    const { strategy, started } = scripted(throwing);
    const { discovery, runtime, clock } = start([strategy]);
    await clock.advance(20_000);
    const early = started();
    expect(early).toBeGreaterThan(3);
    expect(early).toBeLessThan(12);
    expect(runtime.logger.lines).toHaveLength(1);
    await clock.advance(120_000);
    expect(started() - early).toBeLessThan(8);
    expect(discovery.problems()[0]?.error.code).toBe("ERR_DISCOVERY_FAILED");
    await clock.run(discovery.close());
  });

  test("a listener that throws disturbs nothing", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001"]);
    const { discovery, runtime, clock, addresses } = start([list], {
      onPeers: () => {
        throw new Error("mine");
      },
    });
    await clock.run(discovery.firstRound);
    expect(addresses()).toHaveLength(1);
    expect(runtime.logger.lines[0]).toMatchObject({ level: "error" });
    await clock.run(discovery.close());
  });

  test("closing withdraws, is idempotent and leaves no timer", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001"]);
    const { discovery, clock } = start([list]);
    await clock.run(discovery.firstRound);
    expect(list.announced).toEqual(["ws://127.0.0.1:7000"]);
    await clock.run(Promise.all([discovery.close(), discovery[Symbol.asyncDispose]()]));
    expect(list.announced).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("closing while a peer is about to be forgotten leaves no timer and tells nothing", async () => {
    const list = listDiscovery(["ws://127.0.0.1:7001"]);
    const { discovery, clock, told } = start([list]);
    await clock.run(discovery.firstRound);
    list.set([]);
    await clock.settle();
    expect(clock.pendingTimers).toBe(1);
    await clock.run(discovery.close());
    expect(clock.pendingTimers).toBe(0);
    expect(told).toHaveLength(1);
  });

  test("a strategy that ran well for long is started again soon after it fails", async () => {
    const starts: number[] = [];
    const strategy: DiscoveryStrategy = {
      name: "tired",
      async *discover({ clock }) {
        starts.push(clock.now());
        // It fails at once a few times, then lives for ten minutes.
        await clock.sleep(starts.length < 6 ? 0 : 600_000);
        yield { source: "tired", peers: [] };
      },
    };
    const { discovery, clock } = start([strategy]);
    await clock.advance(1_300_000);
    const pauseMs = (starts[6] ?? 0) - (starts[5] ?? 0) - 600_000;
    expect((starts[5] ?? 0) - (starts[4] ?? 0)).toBeGreaterThan(5_000);
    expect(pauseMs).toBeGreaterThan(0);
    expect(pauseMs).toBeLessThan(2 * discoveryLimits.restartMinMs);
    await clock.run(discovery.close());
  });

  test("closing before the first round ends it", async () => {
    const hanging = listDiscovery([]);
    const { discovery, clock } = start([hanging]);
    await clock.run(discovery.close());
    await clock.run(discovery.firstRound, { withinMs: 0 });
  });

  test.each([[[]], [[{ name: "x" }]], [[null]]])("strategies %j are refused", (strategies) => {
    expect(() => start(strategies as unknown as DiscoveryStrategy[])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
