/** startGcp: one node that runs the strategy on a fake Google, and everything it yields and reports. */
import { type FoundationError, type PeerSet } from "@foundation/core";
import type { DiscoveryStep, Peer } from "@foundation/core/ports";
import { discoveryContext } from "@foundation/core/testing";
import type { ContractTime } from "@foundation/testkit";
import { discoverGcp } from "../../src/gcp/discover-gcp.js";
import type { GcpOptions } from "../../src/gcp/gcp.js";
import { inMemoryHttp } from "../http/in-memory-http.js";
import type { FakeGcp } from "./fake-gcp.js";

export interface GcpNode {
  readonly sets: readonly PeerSet[];
  readonly problems: readonly FoundationError[];
  readonly steps: readonly DiscoveryStep[];
  peers(): readonly Peer[];
  /** Lets time pass until it has yielded or reported, and so at least once looked. */
  looked(): Promise<void>;
  stop(): Promise<void>;
}

export function startGcp(
  fake: FakeGcp,
  time: ContractTime,
  options: GcpOptions = {},
  env: Readonly<Record<string, string>> = {},
): GcpNode {
  const abort = new AbortController();
  const [sets, problems, steps] = [[] as PeerSet[], [] as FoundationError[], [] as DiscoveryStep[]];
  const context = discoveryContext({
    cluster: "Shop.1",
    signal: abort.signal,
    clock: time.clock,
    report: (problem) => problems.push(problem),
    trace: (step) => steps.push(step),
  });
  const http = inMemoryHttp(time.clock, fake.handler);
  const ended = (async () => {
    for await (const set of discoverGcp(options, env, context, http)) sets.push(set);
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
