/**
 * playCrowd: the whole stack in one large full mesh without faults, to measure what it costs.
 *
 * It counts only if it worked: all nodes list all nodes, every call of every node was answered, and each message reached
 * every subscriber once.
 */
import { defineProcess, defineTopic, startCluster, type Cluster } from "@foundation/foundation";
import { createSimulator, type SimulatedHost, type Simulator } from "@foundation/testkit";
import type { RunCounts } from "../simulation/run-counts.js";

export interface CrowdOptions {
  readonly seed: string;
  readonly nodes: number;
  /** Virtual time from the start of the first node, formation included, in milliseconds. */
  readonly forMs: number;
}

/** A violation is why it does not count. */
export interface CrowdPlayed extends RunCounts {
  readonly hash: string;
}

/** What each node does, in virtual time: so often it calls, casts and publishes. */
const every = { callMs: 1_000, castMs: 1_000, publishMs: 5_000 } as const;
/** Traffic stops so long before the end, for the last answers to come. */
const QUIET_MS = 5_000;
const identities = Array.from({ length: 10 }, (_, index) => `counter-${index}`);

const counter = defineProcess({
  name: "crowd.counter",
  init: () => ({ count: 0 }),
  call: { add: ({ state }, by: number) => (state.count += by) },
  cast: {
    note: ({ state }, by: number) => {
      state.count += by;
    },
  },
});
const news = defineTopic<{ readonly from: string }>("crowd.news");

class CrowdNode {
  received = 0;

  constructor(readonly cluster: Cluster) {
    void this.#listen();
  }

  static async start({ runtime, name, discovery }: SimulatedHost): Promise<CrowdNode> {
    const cluster = await startCluster({
      name: "crowd",
      cluster: discovery,
      node: { name },
      security: { secret: "a secret for simulations only" },
      signals: false,
      runtime,
    });
    return new CrowdNode(cluster);
  }

  async #listen(): Promise<void> {
    const subscription = this.cluster.pubsub.subscribe("crowd.news", { buffer: 10_000 });
    for await (const _ of subscription) this.received += 1;
  }
}

export async function playCrowd({ seed, nodes, forMs }: CrowdOptions): Promise<CrowdPlayed> {
  const sim = createSimulator<CrowdNode>({ seed });
  const crowd = new Crowd(sim, nodes, forMs);
  try {
    const violation = await crowd.play();
    return {
      seed,
      hash: sim.trace.hash,
      nodes,
      virtualMs: sim.clock.now(),
      events: sim.trace.events,
      faults: 0,
      calls: crowd.answered,
      published: crowd.published,
      violation,
    };
  } finally {
    sim.close();
  }
}

class Crowd {
  answered = 0;
  published = 0;
  #called = 0;
  readonly #failed: string[] = [];

  constructor(
    readonly sim: Simulator<CrowdNode>,
    readonly nodes: number,
    readonly forMs: number,
  ) {}

  async play(): Promise<string | undefined> {
    const { sim, forMs } = this;
    try {
      for (let i = 1; i <= this.nodes; i++) sim.addNode(`n${i}`, CrowdNode.start);
      const isFormed = await sim.until(() => this.#formed, Math.max(1, forMs - 2 * QUIET_MS));
      if (!isFormed) return `the mesh did not form: ${this.#memberCounts()}`;
      await this.#startProcesses();
      this.#begin();
      await sim.run(Math.max(1, forMs - QUIET_MS - sim.clock.now()));
      this.#isOver = true;
      await sim.run(Math.max(1, forMs - sim.clock.now()));
      return this.#verdict();
    } catch (error) {
      return error instanceof Error ? error.stack : String(error);
    }
  }

  #isOver = false;

  get #formed(): boolean {
    return this.sim.nodes.every(({ app }) => app?.cluster.nodes().length === this.nodes);
  }

  async #startProcesses(): Promise<void> {
    const starting = identities.map((name, index) =>
      this.sim.nodes[index % this.nodes]?.within(({ cluster }) =>
        cluster.startProcess(counter, undefined, { name, distribute: true, timeout: "10s" }),
      ),
    );
    await this.sim.settle(Promise.all(starting), { within: "20s" });
    // Every node has to hear where they run before it may call them.
    await this.sim.until(
      () => this.sim.nodes.every(({ app }) => identities.every((name) => knows(app, name))),
      "10s",
    );
  }

  #begin(): void {
    for (const { name } of this.sim.nodes) {
      this.#repeat(name, every.callMs, (node) => this.#call(node));
      this.#repeat(name, every.castMs, ({ cluster }) => {
        cluster.process(counter, this.#anyIdentity()).cast("note", 1);
      });
      this.#repeat(name, every.publishMs, ({ cluster }) => {
        cluster.pubsub.publish(news, { from: name });
        this.published += 1;
      });
    }
  }

  /** The first time after a random part of the interval, so that nodes do not act in step. */
  #repeat(name: string, everyMs: number, act: (node: CrowdNode) => void): void {
    const again = (): void => {
      if (this.#isOver) return;
      this.sim.node(name).within(act);
      this.sim.at(everyMs, again);
    };
    this.sim.at(this.sim.random.next() * everyMs, again);
  }

  #call({ cluster }: CrowdNode): void {
    this.#called += 1;
    const name = this.#anyIdentity();
    cluster
      .process(counter, name)
      .call("add", 1, { timeout: "4s" })
      .then(
        () => (this.answered += 1),
        (error: unknown) => this.#failed.push(`a call of ${name} ended with ${String(error)}`),
      );
  }

  #anyIdentity(): string {
    return identities[Math.floor(this.sim.random.next() * identities.length)] as string;
  }

  #verdict(): string | undefined {
    const wrong = [...this.#failed];
    if (!this.#formed) wrong.push(`the mesh fell apart: ${this.#memberCounts()}`);
    if (this.#called === 0) wrong.push("there was no traffic");
    if (this.answered !== this.#called) {
      wrong.push(`${this.answered} of ${this.#called} calls were answered`);
    }
    const deaf = this.sim.nodes.filter(({ app }) => app?.received !== this.published);
    for (const { name, app } of deaf) {
      wrong.push(`${name} received ${app?.received} of ${this.published} messages`);
    }
    return wrong.length === 0 ? undefined : wrong.slice(0, 10).join("\n");
  }

  #memberCounts(): string {
    return this.sim.nodes.map(({ app }) => app?.cluster.nodes().length ?? 0).join(" ");
  }
}

function knows(node: CrowdNode | undefined, name: string): boolean {
  return node?.cluster.registry.lookup(name) !== undefined;
}
