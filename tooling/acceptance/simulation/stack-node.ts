/** StackNode: one simulated node of the whole stack, made by startCluster, and what it saw. */
import { startCluster, type Cluster } from "@foundation/foundation";
import type { SimulatedHost, Simulator } from "@foundation/testkit";
import type { Numbered } from "./journal.js";

/** A message as a subscriber got it. */
interface Delivery extends Numbered {
  readonly topic: string;
}

export class StackNode {
  readonly #deliveries = new Map<string, number>();
  readonly #received = new Set<string>();
  readonly #ended = new Map<string, number>();
  /** What must not have happened. */
  readonly violations: string[] = [];
  isLeaving = false;
  /** The last number this boot gave to a message, for each order that is promised. */
  readonly sequences = new Map<string, number>();

  private constructor(
    readonly cluster: Cluster,
    readonly clock: SimulatedHost["runtime"]["clock"],
  ) {}

  static async start(
    host: SimulatedHost,
    options: { readonly port: number; readonly note: Simulator<StackNode>["note"] },
  ): Promise<StackNode> {
    const { runtime, name, discovery } = host;
    const cluster = await startCluster({
      name: "simulation",
      cluster: discovery,
      node: { name },
      overlay: { port: options.port },
      security: { secret: "a secret for simulations only" },
      signals: false,
      runtime,
    });
    const node = new StackNode(cluster, runtime.clock);
    void node.#follow(options.note);
    void node.#subscribe();
    return node;
  }

  /** Node and boot, as messages carry them. */
  get key(): string {
    const { id, boot } = this.cluster.self;
    return `${id.slice(0, 8)}/${boot.slice(-10)}`;
  }

  /** Members as text: equal on all nodes when the directories agree. */
  get members(): string {
    const members = this.cluster.nodes();
    return members
      .map(({ name, id, boot, status }) => `${name} ${id} ${boot} ${status}`)
      .join("\n");
  }

  /** Names and counts of children as text: equal on all nodes when the registries agree. */
  get registryView(): string {
    const { registry } = this.cluster;
    const names = registry.select().map(({ name, pid }) => `${name} ${pidText(pid)}`);
    const { distributed, failed } = this.cluster.info().processes;
    return [...names, `${distributed} children run, ${failed} failed`].join("\n");
  }

  next(lane: string): number {
    const sequence = (this.sequences.get(lane) ?? 0) + 1;
    this.sequences.set(lane, sequence);
    return sequence;
  }

  has(id: string): boolean {
    return this.#received.has(id);
  }

  async leave(): Promise<void> {
    this.isLeaving = true;
    await this.cluster.leave();
  }

  async #follow(note: Simulator<StackNode>["note"]): Promise<void> {
    for await (const { type, node } of this.cluster.watch()) {
      note("member", `${type} ${node.name} ${node.boot.slice(-10)}`, this.cluster.self.name);
      const key = `${node.id.slice(0, 8)}/${node.boot.slice(-10)}`;
      if (type === "node-up") this.#ended.delete(key);
      if (type === "node-down" || type === "node-left") this.#ended.set(key, this.clock.now());
    }
  }

  async #subscribe(): Promise<void> {
    const subscription = this.cluster.pubsub.subscribe("simulation.>", { buffer: 10_000 });
    for await (const { data, topic } of subscription) this.#take({ ...(data as Numbered), topic });
  }

  #take({ id, sender, sequence, topic }: Delivery): void {
    this.#received.add(id);
    const lane = `${sender} ${topic}`;
    const last = this.#deliveries.get(lane) ?? 0;
    if (sequence <= last) {
      this.violations.push(`topic ${topic} from ${sender}: message ${sequence} after ${last}`);
    }
    this.#deliveries.set(lane, sequence);
    const endedMs = this.#ended.get(sender);
    if (endedMs === undefined || endedMs >= this.clock.now()) return;
    // Events and messages come by two streams: what was told in this very turn may be read after it.
    this.clock.setTimer(0, () => {
      if (this.#ended.get(sender) !== endedMs) return;
      const when = `at ${this.clock.now()} ms, after its end was told at ${endedMs} ms`;
      this.violations.push(`message ${id} of ${sender} came ${when}`);
    });
  }
}

function pidText({ node, boot, serial }: { node: string; boot: string; serial: number }): string {
  return `${node}/${boot}/${serial}`;
}
