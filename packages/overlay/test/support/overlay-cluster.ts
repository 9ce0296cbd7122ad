/** A cluster of real overlays on loopback, in one process, for the contract suites and the integration tests. */
import {
  createBoot,
  createNodeId,
  nodeClock,
  nodeRandom,
  silentLogger,
  type Boot,
  type NodeId,
} from "@foundation/core";
import { realTime, until, type ClusterFixture } from "@foundation/testkit";
import { createOverlay, type Overlay, type OverlayOptions } from "../../src/index.js";

export const SECRET = "the secret of the overlay's tests";

export class OverlayCluster implements ClusterFixture {
  readonly time = realTime(nodeClock());
  readonly nodes: Overlay[] = [];
  readonly #gone = new Set<Overlay>();
  readonly #identities: { id: NodeId; boot: Boot; name: string }[] = [];
  readonly #options: Partial<OverlayOptions>;
  #boots = 0;

  /** @param options of every node, also of those that are added or started again */
  constructor(options: Partial<OverlayOptions> = {}) {
    this.#options = options;
  }

  static async of(count: number, options: Partial<OverlayOptions> = {}): Promise<OverlayCluster> {
    const cluster = new OverlayCluster(options);
    for (let i = 0; i < count; i += 1) await cluster.start();
    await cluster.formed();
    return cluster;
  }

  async add(): Promise<Overlay> {
    const node = await this.start();
    await this.formed();
    return node;
  }

  async start(options: Partial<OverlayOptions> = {}): Promise<Overlay> {
    const random = nodeRandom();
    this.#boots += 1;
    const identity = options.identity ?? {
      id: createNodeId(random),
      boot: createBoot(this.#boots, random),
      name: `n${this.nodes.length}`,
    };
    const peers = this.alive.map((node) => node.address);
    const node = await startOverlay({ identity, peers, ...this.#options, ...options });
    this.nodes.push(node);
    this.#identities.push(identity);
    return node;
  }

  get alive(): Overlay[] {
    return this.nodes.filter((node) => !this.#gone.has(node));
  }

  async formed(): Promise<void> {
    const { alive } = this;
    const all = () => alive.every(({ membership }) => membership.members().length === alive.length);
    await until(this.time, "every node lists every node", all);
  }

  async kill(index: number): Promise<void> {
    const node = this.nodes[index] as Overlay;
    this.#gone.add(node);
    await node.close();
  }

  async leave(index: number): Promise<void> {
    const node = this.nodes[index] as Overlay;
    this.#gone.add(node);
    await node.leave();
  }

  async restart(index: number): Promise<Overlay> {
    await this.kill(index);
    const { id, name } = this.#identities[index] as { id: NodeId; name: string };
    this.#boots += 1;
    return this.start({ identity: { id, name, boot: createBoot(this.#boots, nodeRandom()) } });
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function startOverlay(options: Partial<OverlayOptions> = {}): Promise<Overlay> {
  const runtime = { logger: silentLogger(), ...options.runtime };
  return createOverlay({ cluster: "test", secret: SECRET, ...options, runtime });
}
