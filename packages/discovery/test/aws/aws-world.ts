/** startAws: one node that runs the strategy on a fake AWS, and everything it yields and reports. */
import { type FoundationError, type PeerSet } from "@foundation/core";
import type { DiscoveryStep, Peer } from "@foundation/core/ports";
import { discoveryContext } from "@foundation/core/testing";
import type { ContractTime } from "@foundation/testkit";
import type { AwsOptions } from "../../src/aws/aws.js";
import { discoverAws } from "../../src/aws/discover-aws.js";
import { inMemoryHttp } from "../http/in-memory-http.js";
import type { FakeAws } from "./fake-aws.js";

export interface AwsNode {
  readonly sets: readonly PeerSet[];
  readonly problems: readonly FoundationError[];
  readonly steps: readonly DiscoveryStep[];
  peers(): readonly Peer[];
  /** Lets time pass until it has yielded or reported, and so at least once looked. */
  looked(): Promise<void>;
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

/** Files are not looked for in this user's folder. */
const NO_HOME = { HOME: "/nonexistent" };

export function startAws(
  fake: FakeAws,
  time: ContractTime,
  options: AwsOptions = {},
  env: Environment = {},
): AwsNode {
  const abort = new AbortController();
  const [sets, problems, steps] = [[] as PeerSet[], [] as FoundationError[], [] as DiscoveryStep[]];
  const context = discoveryContext({
    cluster: "shop",
    signal: abort.signal,
    clock: time.clock,
    report: (problem) => problems.push(problem),
    trace: (step) => steps.push(step),
  });
  const http = inMemoryHttp(time.clock, fake.handler);
  const ended = (async () => {
    for await (const set of discoverAws(options, { ...NO_HOME, ...env }, context, http)) {
      sets.push(set);
    }
  })();
  return {
    sets,
    problems,
    steps,
    peers: () => sets.at(-1)?.peers ?? [],
    looked: async () => {
      for (let i = 0; i < 200 && sets.length + problems.length === 0; i += 1) await time.pass(20);
    },
    stop: async () => {
      abort.abort();
      await time.wait(ended);
    },
  };
}
