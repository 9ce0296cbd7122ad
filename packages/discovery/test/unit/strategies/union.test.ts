import { describe, expect, test } from "@jest/globals";
import { createNodeId, type DiscoveryStrategy, type PeerSet } from "@foundation/core";
import {
  discoveryContext,
  listDiscovery,
  seededRandom,
  virtualClock,
} from "@foundation/core/testing";
import { discoveryErrors } from "../../../src/errors.js";
import { union } from "../../../src/strategies/union.js";

const away = discoveryErrors.ERR_LOOKUP_FAILED("It is away", { strategy: "list", reason: "away" });
const A = "ws://10.0.0.1:4100";
const B = "ws://10.0.0.2:4100";

function run(strategies: readonly DiscoveryStrategy[]) {
  const clock = virtualClock();
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const codes: string[] = [];
  const secrets = ["first"];
  const context = discoveryContext({
    clock,
    signal: abort.signal,
    secrets,
    report: ({ code }) => codes.push(code),
  });
  const ended = (async () => {
    for await (const set of union(strategies).discover(context)) sets.push(set);
  })();
  const stop = async (): Promise<void> => {
    abort.abort();
    await clock.run(ended);
    expect(clock.pendingTimers).toBe(0);
  };
  return { clock, sets, codes, stop };
}

describe("union", () => {
  test("offers what any of them knows, once, with the id that one of them knows", async () => {
    const id = createNodeId(seededRandom("peer"));
    const [one, two] = [listDiscovery([A, B]), listDiscovery([{ address: B, id }])];
    const { clock, sets, stop } = run([one, two]);
    await clock.settle();
    expect(sets).toEqual([
      { source: "union(list, list)", peers: [{ address: A }, { address: B, id }] },
    ]);
    one.set([]);
    await clock.settle();
    expect(sets.at(-1)?.peers).toEqual([{ address: B, id }]);
    await stop();
    expect([one.announced, two.announced]).toEqual([[], []]);
  });

  test("one that fails at first does not hold up the others, and comes in later", async () => {
    const one = listDiscovery([A]);
    const silent: DiscoveryStrategy = {
      name: "silent",
      discover: async function* ({ report, clock: time, signal }) {
        await time.sleep(1_000, { signal });
        report(away);
        await time.sleep(1_000, { signal });
        yield { source: "silent", peers: [{ address: B }] };
        await time.sleep(1e9, { signal }).catch(() => undefined);
      },
    };
    const { clock, sets, codes, stop } = run([one, silent]);
    await clock.advance(999);
    expect(sets).toHaveLength(0);
    await clock.advance(1);
    expect(sets).toHaveLength(1);
    await clock.advance(1_000);
    expect(sets.at(-1)?.peers).toEqual([{ address: A }, { address: B }]);
    expect(codes).toEqual(["ERR_LOOKUP_FAILED"]);
    await stop();
  });

  test("one that hangs hides the peers of the others for a second at most", async () => {
    const hung: DiscoveryStrategy = {
      name: "hung",
      // oxlint-disable-next-line require-yield
      discover: async function* ({ clock: time, signal }) {
        await time.sleep(1e9, { signal }).catch(() => undefined);
      },
    };
    const list = listDiscovery([]);
    const { clock, sets, stop } = run([list, hung]);
    await clock.advance(60_000);
    // Nobody yet: who has not answered may know somebody.
    expect(sets).toEqual([]);
    list.set([A]);
    await clock.advance(1_000);
    expect(sets.map(({ peers }) => peers)).toEqual([[{ address: A }]]);
    list.set([A, B]);
    await clock.settle();
    expect(sets).toHaveLength(2);
    await stop();
  });

  test("one that throws keeps its peers on offer and is started again", async () => {
    let starts = 0;
    const tired: DiscoveryStrategy = {
      name: "tired",
      discover: async function* () {
        starts += 1;
        yield { source: "tired", peers: [{ address: B }] };
        throw new Error("tired");
      },
    };
    const { clock, sets, codes, stop } = run([listDiscovery([A]), tired]);
    await clock.advance(5_000);
    expect(starts).toBeGreaterThan(2);
    expect(sets).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(["ERR_DISCOVERY_FAILED"]));
    await stop();
  });

  test.each([[[]], [[{}]], [7]])("strategies %j are refused", (strategies) => {
    expect(() => union(strategies as unknown as DiscoveryStrategy[])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
