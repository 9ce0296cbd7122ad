/** A strategy that keeps its promises passes the suite; for each promise one that breaks it is found out. */
import { describe, expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import type { DiscoveryContext, DiscoveryStrategy, PeerSet } from "@foundation/core/ports";
import { virtualClock } from "@foundation/core/testing";
import {
  discoveryBackendContract,
  discoveryChecks,
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
  type DiscoveryCheckName,
  type DiscoveryFailure,
} from "../../src/index.js";

type Flaw = "forgetful" | "silent" | "hasty" | "stubborn" | "even" | "deaf" | "blind" | "sticky";

const INTERVAL_MS = 1_000;
const RETRY_MAX_MS = 8_000;

interface Asked {
  readonly answer: readonly string[] | undefined;
  readonly hangs: boolean;
}

/** Asks every second; with a flaw it breaks one promise. */
function asking(ask: () => Asked, flaw: Flaw | undefined): DiscoveryStrategy {
  return { name: "asking", discover: (context) => loop(ask, flaw, context) };
}

async function* loop(
  ask: () => Asked,
  flaw: Flaw | undefined,
  { signal, clock, random, report }: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  let good: readonly string[] = [];
  let failures = 0;
  const sleep = (ms: number) => {
    const given = flaw === "deaf" ? {} : { signal };
    return clock.sleep(ms, given).catch(() => undefined);
  };
  for (let looks = 0; !signal.aborted; looks += 1) {
    const { answer, hangs } = ask();
    // An answer that never comes is given up after two seconds.
    if (hangs) await sleep(2_000);
    if (signal.aborted) return;
    const isGood = answer !== undefined && (answer.length > 0 || good.length === 0);
    failures = isGood ? 0 : failures + 1;
    const details = { file: "x", operation: "ask", reason: "told to" };
    if (!isGood && flaw !== "silent")
      report(coreErrors.ERR_STORAGE("The backend does not answer; the last set stays", details));
    if (isGood) good = flaw === "sticky" ? [...new Set([...good, ...answer])] : answer;
    const seen = flaw === "blind" ? good.slice(0, 2) : good;
    if (isGood || looks === 0)
      yield { source: "asking", peers: seen.map((address) => ({ address })) };
    else if (flaw === "forgetful") yield { source: "asking", peers: [] };
    const pauseMs = Math.min(RETRY_MAX_MS, INTERVAL_MS * 2 ** Math.max(0, failures - 1));
    const grown = flaw === "stubborn" ? INTERVAL_MS * (1 + looks / 1e6) : pauseMs;
    const spread = flaw === "even" ? 1 : 1 + random.next() / 4;
    await sleep(flaw === "hasty" ? INTERVAL_MS / 3 : grown * spread);
  }
}

function setup(flaw?: Flaw): DiscoveryBackendSetup {
  return {
    create: (): DiscoveryBackend => {
      const peers = new Set<string>();
      let failure: DiscoveryFailure | undefined;
      let requests = 0;
      const ask = (): Asked => {
        requests += 1;
        if (failure === "empty") return { answer: [], hangs: false };
        if (failure !== undefined) return { answer: undefined, hangs: failure === "hang" };
        return { answer: [...peers].sort(), hangs: false };
      };
      return {
        strategy: asking(ask, flaw),
        time: virtualTime(virtualClock()),
        add: (address) => void peers.add(address),
        remove: (address) => void peers.delete(address),
        fail: (kind) => {
          failure = kind;
        },
        recover: () => {
          failure = undefined;
        },
        requests: () => requests,
        close: () => {},
      };
    },
    failures: ["error", "forbidden", "empty", "hang"],
    pace: { requests: 1, perMs: INTERVAL_MS },
    retryMaxMs: RETRY_MAX_MS,
    withinMs: 15_000,
  };
}

discoveryBackendContract({ describe, test }, setup());

/** The names of the checks that a strategy with this flaw does not pass. */
async function brokenBy(flaw: Flaw): Promise<readonly DiscoveryCheckName[]> {
  const broken: DiscoveryCheckName[] = [];
  const flawed = setup(flaw);
  for (const check of discoveryChecks(flawed)) {
    await check.run(flawed).catch(() => broken.push(check.name));
  }
  return broken;
}

describe("the suite for discovery and its backend finds out", () => {
  test.each([
    ["a strategy that forgets its set when it fails", "forgetful", ["error", "forbidden", "hang"]],
    ["one that fails without a word", "silent", ["error", "forbidden", "empty", "hang"]],
    ["one that asks three times as often as it may", "hasty", ["pace"]],
    ["one that never waits longer while it fails", "stubborn", ["backoff"]],
    ["one whose pauses are the same on every node", "even", ["backoff"]],
    ["one that sleeps on when it is told to stop", "deaf", ["abort"]],
    ["one that never sees a third peer", "blind", ["finds-three", "join"]],
    ["one that never lets a peer go", "sticky", ["leave"]],
  ] as const)("%s", async (_, flaw, expected) => {
    expect(await brokenBy(flaw)).toEqual(expect.arrayContaining([...expected]));
  });
});
