/**
 * TopologyWorld: whole overlays of one topology in the simulator, for behaviours that every topology has to
 * show: links that are cut one way, processes that pause, die and start again at another address.
 *
 * Each node notes what membership told it, and what was broadcast to it. A node keeps its id for all its
 * boots and has another port in each.
 */
import {
  createBoot,
  createNodeId,
  silentLogger,
  type MembershipEvent,
  type NodeId,
} from "@foundation/core";
import { seededRandom, trustingAuthentication } from "@foundation/core/testing";
import {
  createSimulator,
  type LinkConditions,
  type SimulatedHost,
  type Simulator,
} from "@foundation/testkit";
import { createOverlay, type Overlay, type OverlayOptions } from "../../src/index.js";
import { topologyNames, type TopologyName } from "../../src/protocol/switching/topologies.js";

export const topologies: readonly TopologyName[] = topologyNames;

export interface TopologyApp {
  readonly overlay: Overlay;
  readonly events: MembershipEvent[];
  /** Broadcasts about "news", in the order in which they came. */
  readonly heard: { readonly from: NodeId; readonly payload: unknown }[];
}

export interface TopologyWorldOptions {
  readonly topology: TopologyName;
  readonly seed: number | string;
  readonly conditions?: LinkConditions;
  /** Of every node. */
  readonly overlay?: Partial<OverlayOptions>;
}

const FIRST_PORT = 7_000;

export class TopologyWorld {
  readonly sim: Simulator<TopologyApp>;
  readonly #options: TopologyWorldOptions;
  readonly #left = new Set<string>();

  constructor(options: TopologyWorldOptions) {
    this.#options = options;
    const { seed, conditions } = options;
    this.sim = createSimulator<TopologyApp>({ seed, ...(conditions && { conditions }) });
  }

  /** Adds a node; it dials the oldest that is up, or the one named. */
  add(name: string, options: Partial<OverlayOptions> = {}, seed?: string): void {
    this.sim.addNode(name, (host) => this.#start(host, options, seed));
  }

  /**
   * Nodes n0, n1, … one after the other, until all list all.
   * @param apart two that never reach each other
   */
  async form(count: number, apart?: readonly [string, string]): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      this.add(`n${i}`);
      if (`n${i}` === apart?.[1]) this.sim.partition([apart[0]], [apart[1]]);
      await this.sim.run("200ms");
    }
    await this.settled();
  }

  /** Until all list all, and then as long as views take to come to rest. */
  async settled(within = "60s" as const): Promise<void> {
    if (!(await this.sim.until(() => this.isWhole(), within))) {
      throw new Error(`not all list all within ${within}: ${this.describe()}`);
    }
    await this.sim.run("20s");
  }

  app(name: string): TopologyApp {
    const { app } = this.sim.node(name);
    if (app === undefined) throw new Error(`${name} has not started`);
    return app;
  }

  overlay(name: string): Overlay {
    return this.app(name).overlay;
  }

  idOf(name: string): NodeId {
    return createNodeId(seededRandom(`${this.#options.seed} ${name}`));
  }

  nameOf(id: NodeId): string {
    return this.sim.nodes.find(({ name }) => this.idOf(name) === id)?.name ?? id;
  }

  /** Those that run, paused or not. */
  get names(): string[] {
    return this.sim.nodes
      .filter(({ name, state, app }) => state !== "down" && app && !this.#left.has(name))
      .map(({ name }) => name);
  }

  get overlays(): Overlay[] {
    return this.names.map((name) => this.overlay(name));
  }

  crash(name: string): void {
    this.sim.crash(name);
  }

  async leave(name: string): Promise<void> {
    this.#left.add(name);
    await this.sim.settle(this.sim.node(name).within(({ overlay }) => overlay.leave()));
    this.sim.crash(name);
  }

  /** Starts a node again: the same id, a newer boot, another port. */
  restart(name: string): void {
    this.#left.delete(name);
    this.sim.restart(name);
  }

  /** Every node lists exactly those that run. */
  isWhole(): boolean {
    const { names } = this;
    const ids = names
      .map((name) => this.idOf(name))
      .sort()
      .join();
    return this.overlays.every(({ membership }) => idsOf(membership.members()) === ids);
  }

  /** Nodes without a way to the first one over neighbours that both see as such. */
  get cutOff(): string[] {
    const neighbours = new Map(this.overlays.map((node) => [node.self.id, node.neighbours()]));
    const [first] = neighbours.keys();
    const reached = new Set<NodeId>(first === undefined ? [] : [first]);
    for (const id of reached) {
      for (const next of neighbours.get(id) ?? []) {
        if (neighbours.get(next)?.includes(id) === true) reached.add(next);
      }
    }
    return [...neighbours.keys()].filter((id) => !reached.has(id)).map((id) => this.nameOf(id));
  }

  /** Neighbours that do not see the other side as theirs. */
  get oneSided(): string[] {
    const neighbours = new Map(this.overlays.map((node) => [node.self.id, node.neighbours()]));
    const pairs: string[] = [];
    for (const [id, others] of neighbours) {
      for (const other of others) {
        if (neighbours.get(other)?.includes(id) !== true)
          pairs.push(`${this.nameOf(id)}>${this.nameOf(other)}`);
      }
    }
    return pairs;
  }

  /** The one with the most neighbours, of those that are not spared. */
  bestLinked(spared: readonly string[] = []): string {
    const degreeOf = (name: string) => this.overlay(name).neighbours().length;
    return this.names
      .filter((name) => !spared.includes(name))
      .reduce((best, name) => (degreeOf(name) > degreeOf(best) ? name : best));
  }

  /** What was told of a kind, by all that run, as "who: of whom". */
  told(type: MembershipEvent["type"]): string[] {
    return this.names.flatMap((name) =>
      this.app(name)
        .events.filter((event) => event.type === type)
        .map(({ node }) => `${name}: ${node.name}`),
    );
  }

  /** Sends numbered messages of a node to another, and asks it to echo; gives the answers. */
  ask(from: string, to: string, payload: unknown, channel = "data"): Promise<unknown> {
    const route = { to: this.idOf(to), channel, subject: "echo" };
    const asking = this.sim
      .node(from)
      .within(({ overlay }) => overlay.messenger.request(route, payload, { timeoutMs: 20_000 }));
    return this.sim.settle(asking);
  }

  publish(from: string, payload: unknown): void {
    this.sim
      .node(from)
      .within(({ overlay }) => overlay.broadcast.publish("news", payload, { channel: "events" }));
  }

  /** What a node heard of another one's broadcasts, in order. */
  heardOf(name: string, origin: string): unknown[] {
    const id = this.idOf(origin);
    return this.app(name)
      .heard.filter(({ from }) => from === id)
      .map(({ payload }) => payload);
  }

  describe(): string {
    return this.overlays
      .map(({ self, membership }) => {
        const others = membership.members().map(({ name, status }) => `${name} ${status}`);
        return `${self.name}: ${others.join(", ")}`;
      })
      .join("\n");
  }

  close(): void {
    this.sim.close();
  }

  async #start(
    { name, boot, runtime }: SimulatedHost,
    options: Partial<OverlayOptions>,
    seed: string | undefined,
  ): Promise<TopologyApp> {
    const random = runtime.random.fork("identity");
    const known = seed === undefined ? this.names.find((other) => other !== name) : seed;
    const { topology, overlay: common } = this.#options;
    const overlay = await createOverlay({
      cluster: "topologies",
      identity: { id: this.idOf(name), boot: createBoot(boot, random), name },
      host: name,
      port: FIRST_PORT + boot,
      peers: known === undefined ? [] : [this.overlay(known).address],
      topology,
      ...common,
      ...options,
      runtime: { ...runtime, logger: silentLogger(), authentication: trustingAuthentication() },
    });
    const app: TopologyApp = { overlay, events: [], heard: [] };
    overlay.membership.subscribe((event) => app.events.push(event));
    overlay.broadcast.handle("news", ({ from, payload }) => app.heard.push({ from, payload }));
    overlay.messenger.handle("echo", ({ payload }) => payload);
    return app;
  }
}

const idsOf = (members: readonly { readonly id: NodeId }[]): string =>
  members
    .map(({ id }) => id)
    .sort()
    .join();

/** Plays with a world and closes it, whatever happens. */
export async function inWorld<T>(
  options: TopologyWorldOptions,
  play: (world: TopologyWorld) => Promise<T>,
): Promise<T> {
  const world = new TopologyWorld(options);
  try {
    return await play(world);
  } finally {
    world.close();
  }
}
