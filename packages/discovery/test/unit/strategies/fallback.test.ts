import { describe, expect, test } from "@jest/globals";
import type { DiscoveryStep, DiscoveryStrategy, FoundationError, PeerSet } from "@foundation/core";
import {
  discoveryContext,
  listDiscovery,
  recordingLogger,
  virtualClock,
} from "@foundation/core/testing";
import { discoveryErrors } from "../../../src/errors.js";
import { reportAside } from "../../../src/strategies/aside.js";
import { fallback, type FallbackOptions } from "../../../src/strategies/fallback.js";
import { union } from "../../../src/strategies/union.js";

const away = discoveryErrors.ERR_LOOKUP_FAILED("It is away", { strategy: "list", reason: "away" });
const A = "ws://10.0.0.1:4100";
const B = "ws://10.0.0.2:4100";

function run(strategies: readonly DiscoveryStrategy[], options?: FallbackOptions) {
  const clock = virtualClock();
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const steps: DiscoveryStep[] = [];
  const logger = recordingLogger();
  const context = discoveryContext({
    clock,
    logger,
    signal: abort.signal,
    report: (problem) => problems.push(problem),
    trace: (step) => steps.push(step),
  });
  const ended = (async () => {
    for await (const set of fallback(strategies, options).discover(context)) sets.push(set);
  })();
  const stop = async (): Promise<void> => {
    abort.abort();
    await clock.run(ended);
    expect(clock.pendingTimers).toBe(0);
  };
  const offered = () => sets.at(-1)?.peers.map(({ address }) => address);
  return { clock, sets, problems, steps, logger, offered, stop };
}

describe("fallback", () => {
  test("uses the second only while the first fails, and announces there only then", async () => {
    const [first, second] = [listDiscovery([A]), listDiscovery([B])];
    const { clock, offered, sets, logger, steps, stop } = run([first, second]);
    await clock.advance(60_000);
    expect([first.announced.length, second.announced.length]).toEqual([1, 0]);
    expect(offered()).toEqual([A]);
    first.fail(away);
    await clock.advance(15_000);
    expect(offered()).toEqual([B]);
    expect(second.announced).toHaveLength(1);
    first.set([A]);
    await clock.advance(59_000);
    expect(offered()).toEqual([B]);
    await clock.advance(2_000);
    expect(offered()).toEqual([A]);
    expect(second.announced).toHaveLength(0);
    expect(sets).toHaveLength(3);
    expect(logger.lines).toHaveLength(2);
    expect(steps.map(({ tried }) => tried)).toEqual(["believe list", "believe list"]);
    await stop();
  });

  test("passes on what its strategies report, and goes on when one throws", async () => {
    const broken: DiscoveryStrategy = {
      name: "broken",
      // oxlint-disable-next-line require-yield
      discover: async function* () {
        throw new Error("boom");
      },
    };
    const { clock, offered, problems, stop } = run([broken, listDiscovery([B])]);
    await clock.advance(100);
    expect(offered()).toEqual([B]);
    expect(problems[0]?.message).toContain("boom");
    await clock.advance(300_000);
    expect(offered()).toEqual([B]);
    expect(problems.length).toBeLessThan(20);
    await stop();
  });

  test("an empty first answer is offered, and the second is asked after a while", async () => {
    const { clock, offered, sets, stop } = run([listDiscovery([]), listDiscovery([B])]);
    await clock.advance(100);
    expect(sets).toEqual([{ source: "fallback(list, list)", peers: [] }]);
    await clock.advance(15_000);
    expect(offered()).toEqual([B]);
    await stop();
  });

  test("a union is left when all of it fails, and not while a part of it works", async () => {
    const [broken, well, last] = [listDiscovery([]), listDiscovery([A]), listDiscovery([B])];
    const { clock, offered, problems, stop } = run([union([broken, well]), last]);
    await clock.settle();
    for (let i = 0; i < 20; i += 1) {
      broken.fail(away);
      await clock.advance(10_000);
    }
    expect(offered()).toEqual([A]);
    expect(last.announced).toHaveLength(0);
    expect(problems).toHaveLength(20);
    well.fail(away);
    await clock.advance(15_000);
    expect(offered()).toEqual([B]);
    await stop();
  });

  test("what is wrong with others on its network, or with a part, is no reason to leave a strategy", async () => {
    const stranger = discoveryErrors.ERR_LAN_STRANGER("Who?", { strategy: "list", source: "?" });
    const partial = discoveryErrors.ERR_DISCOVERY_PARTIAL("Some", { strategy: "list", reason: "" });
    const [first, second] = [listDiscovery([A]), listDiscovery([B])];
    const side: DiscoveryStrategy = {
      name: "side",
      discover: async function* ({ clock: time, report, signal }) {
        yield { source: "side", peers: [{ address: A }] };
        reportAside({ report }, away);
        await time.sleep(1e9, { signal }).catch(() => undefined);
      },
    };
    for (const best of [first, side]) {
      const { clock, offered, problems, stop } = run([best, second]);
      await clock.settle();
      if (best === first) [stranger, partial].forEach((each) => first.fail(each));
      await clock.advance(60_000);
      expect(offered()).toEqual([A]);
      expect(second.announced).toHaveLength(0);
      expect(problems).toHaveLength(best === first ? 2 : 1);
      await stop();
    }
  });

  test("its times can be chosen, and times that would make it flap are refused", async () => {
    const [first, second] = [listDiscovery([A]), listDiscovery([B])];
    const times = { stepDownAfter: "2s", stepBackAfter: "4s" } as const;
    const { clock, offered, stop } = run([first, second], times);
    await clock.settle();
    first.fail(away);
    await clock.advance(2_000);
    expect(offered()).toEqual([B]);
    first.set([A]);
    await clock.advance(4_000);
    expect(offered()).toEqual([A]);
    await stop();
    expect(() => fallback([first], { stepDownAfter: "5s", stepBackAfter: "1s" })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test.each([[[]], [[null]], [undefined]])("strategies %j are refused", (strategies) => {
    expect(() => fallback(strategies as unknown as DiscoveryStrategy[])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
