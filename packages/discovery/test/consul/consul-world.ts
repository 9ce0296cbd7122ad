/** ConsulWorld: nodes that run the strategy on one fake Consul, in virtual time, and everything they yield and report. */
import { createNodeId, type FoundationError, type PeerSet } from "@foundation/core";
import type { DiscoveryStep, Peer } from "@foundation/core/ports";
import {
  discoveryContext,
  recordingLogger,
  seededRandom,
  virtualClock,
  type VirtualClock,
} from "@foundation/core/testing";
import { virtualTime, type ContractTime } from "@foundation/testkit";
import type { ConsulOptions } from "../../src/consul/consul.js";
import { discoverConsul } from "../../src/consul/discover-consul.js";
import { inMemoryHttp, type HttpHandler } from "../http/in-memory-http.js";
import { FakeConsul, type FakeConsulOptions } from "./fake-consul.js";

export interface ConsulNode {
  readonly id: string;
  readonly sets: readonly PeerSet[];
  readonly problems: readonly FoundationError[];
  readonly steps: readonly DiscoveryStep[];
  /** The addresses of the newest set, without its own. */
  addresses(): readonly string[];
  peer(address: string): Peer | undefined;
  drain(): void;
  stop(): Promise<void>;
  /** Ends as a killed process does: nothing more is sent. */
  kill(): void;
}

export class ConsulWorld {
  readonly clock = virtualClock();
  readonly fake: FakeConsul;
  /** How time passes; a world whose nodes read files leaves the machine a moment now and then. */
  readonly time: ContractTime;

  constructor(
    options: FakeConsulOptions = {},
    time: (clock: VirtualClock) => ContractTime = virtualTime,
  ) {
    this.time = time(this.clock);
    this.fake = new FakeConsul(this.clock, options);
  }

  start(
    address: string,
    options: ConsulOptions = {},
    env: Readonly<Record<string, string>> = {},
  ): ConsulNode {
    let isDead = false;
    const handler: HttpHandler = (request) =>
      isDead ? new Promise(() => {}) : this.fake.handler(request);
    const http = inMemoryHttp(this.clock, handler);
    const [abort, draining] = [new AbortController(), new AbortController()];
    const random = seededRandom(address);
    const self = { id: createNodeId(random), address, name: address };
    const [sets, problems, steps] = [
      [] as PeerSet[],
      [] as FoundationError[],
      [] as DiscoveryStep[],
    ];
    const context = discoveryContext({
      cluster: "shop",
      self,
      signal: abort.signal,
      draining: draining.signal,
      clock: this.clock,
      random,
      logger: recordingLogger(),
      report: (problem) => problems.push(problem),
      trace: (step) => steps.push(step),
    });
    const ended = (async () => {
      for await (const set of discoverConsul(options, env, context, () => http)) sets.push(set);
    })();
    const others = (): readonly Peer[] =>
      (sets.at(-1)?.peers ?? []).filter((each) => each.address !== address);
    return {
      id: self.id,
      sets,
      problems,
      steps,
      addresses: () => others().map((each) => each.address),
      peer: (of) => others().find((each) => each.address === of),
      drain: () => draining.abort(),
      stop: async () => {
        abort.abort();
        await this.time.wait(ended);
      },
      kill: () => {
        isDead = true;
        abort.abort();
        ended.catch(() => {});
      },
    };
  }

  close(): void {
    this.fake.close();
  }
}
