/** Whole overlays on a virtual network and a virtual clock: the composition itself, reproducible by its seed. */
import { createBoot, createNodeId, type NodeId } from "@foundation/core";
import {
  memoryMeter,
  memoryNetwork,
  recordingLogger,
  seededRandom,
  trustingAuthentication,
  virtualClock,
} from "@foundation/core/testing";
import { createOverlay, type Overlay, type OverlayOptions } from "../../src/index.js";

export class VirtualOverlays {
  readonly clock = virtualClock();
  readonly logger = recordingLogger();
  readonly network;
  readonly nodes: Overlay[] = [];
  readonly #seed: string;
  #boots = 0;

  constructor(seed: number | string = 1, latencyMs = 2, jitterMs = 3) {
    this.#seed = String(seed);
    this.network = memoryNetwork({
      clock: this.clock,
      random: seededRandom(this.#seed),
      latencyMs,
      jitterMs,
    });
  }

  /** Starts a node on a host of its own, named like the host; `id` starts a known node again. */
  async start(
    host: string,
    options: Partial<OverlayOptions> & { readonly id?: NodeId } = {},
  ): Promise<Overlay> {
    this.#boots += 1;
    const random = seededRandom(`${this.#seed} ${host} ${this.#boots}`);
    const { id = createNodeId(random), ...rest } = options;
    const node = createOverlay({
      cluster: "virtual",
      identity: { id, boot: createBoot(this.#boots, random), name: host },
      host,
      port: 1_000,
      ...rest,
      runtime: {
        clock: this.clock,
        random,
        logger: this.logger,
        meter: memoryMeter(),
        transport: this.network.transport(host),
        authentication: trustingAuthentication(),
        ...options.runtime,
      },
    });
    const started = await this.clock.run(node);
    this.nodes.push(started);
    return started;
  }

  /** Nodes a, b, c, … that have found each other. */
  async form(count: number, options: Partial<OverlayOptions> = {}): Promise<Overlay[]> {
    for (let i = 0; i < count; i += 1) {
      const peers = this.nodes.map((node) => node.address);
      await this.start(String.fromCharCode(97 + i), { peers, ...options });
    }
    await this.clock.advance(1_000);
    return this.nodes;
  }

  async close(): Promise<void> {
    await this.clock.run(Promise.all(this.nodes.map((node) => node.close())));
  }
}

/** How a promise stands, without waiting for it. */
export function outcomeOf(promise: Promise<unknown>): { value?: unknown; code?: string } {
  const outcome: { value?: unknown; code?: string } = {};
  promise.then(
    (value) => Object.assign(outcome, { value }),
    (error: { code?: string }) => Object.assign(outcome, { code: error.code ?? String(error) }),
  );
  return outcome;
}
