/** LanNode: one run of a LAN strategy on a host of the memory network, with all that it said. */
import {
  createNodeId,
  type DiscoveryContext,
  type FoundationError,
  type PeerSet,
} from "@foundation/core";
import { discoveryContext, type VirtualClock } from "@foundation/core/testing";
import { seededRandom } from "@foundation/core/testing";

export class LanNode {
  readonly sets: PeerSet[] = [];
  readonly problems: FoundationError[] = [];
  readonly steps: string[] = [];
  readonly address: string;
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();
  readonly #draining = new AbortController();

  constructor(
    name: string,
    clock: VirtualClock,
    address: string,
    discover: (context: DiscoveryContext) => AsyncIterable<PeerSet>,
    parts: Partial<DiscoveryContext> & { readonly listensOn?: string } = {},
  ) {
    const random = seededRandom(name);
    const { listensOn, ...context } = parts;
    this.address = address;
    const all = discoveryContext({
      clock,
      random,
      self: { id: createNodeId(random), address, name, ...(listensOn && { listensOn }) },
      secrets: ["a secret"],
      signal: this.#abort.signal,
      draining: this.#draining.signal,
      report: (problem) => this.problems.push(problem),
      trace: ({ tried, answer }) => this.steps.push(`${tried}: ${answer}`),
      ...context,
    });
    this.ended = (async () => {
      for await (const set of discover(all)) this.sets.push(set);
    })();
  }

  get peers(): readonly string[] {
    return (this.sets.at(-1)?.peers ?? []).map(({ address }) => address);
  }

  get codes(): readonly string[] {
    return this.problems.map(({ code }) => code);
  }

  drain(): void {
    this.#draining.abort();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }
}
