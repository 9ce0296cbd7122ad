/** StackNode: one simulated node of the whole stack, made by startCluster or by hand, and what it saw. */
import { isFoundationError, type Clock, type Meter } from "@foundation/core";
import { startCluster } from "@foundation/foundation";
import type { SimulatedHost } from "@foundation/testkit";
import { channelList, channelNames } from "./channel-names.js";
import { clusterChannels, type ChannelPort } from "./channel-port.js";
import type { ChannelMessage } from "./channel-traffic.js";
import { DiskJournal } from "./disk-book.js";
import { Partings } from "./partings.js";
import { keyOf } from "./identity-book.js";
import type { Numbered } from "./journal.js";
import { MemberBook } from "./member-book.js";
import type { RunWorld } from "./run-world.js";
import type { Vertex } from "./graph-flaws.js";
import type { StampedMap } from "./stamped-map.js";
import type { TopologyMode } from "./swarm.js";
import { wireByHand, type Follow, type StackCluster, type Wired } from "./wire-by-hand.js";

const CLUSTER = "simulation";
const SECRET = "a secret for simulations only";

/** A message as a subscriber got it. */
interface Delivery extends Numbered {
  readonly topic: string;
}

export class StackNode {
  readonly #deliveries = new Map<string, number>();
  readonly #received = new Set<string>();
  readonly #ended = new Map<string, number>();
  readonly #over = new AbortController();
  /** What it was told about the others. */
  readonly told = new MemberBook();
  /** What must not have happened. */
  readonly violations: string[] = [];
  readonly cluster: StackCluster;
  readonly map: StampedMap | undefined;
  readonly channels: ChannelPort;
  readonly clock: Clock;
  readonly meter: Meter;
  isLeaving = false;
  isDraining = false;
  /** The last number this boot gave to a message, for each order that is promised. */
  readonly sequences = new Map<string, number>();

  readonly #wired: Wired;

  private constructor(wired: Wired, { runtime }: SimulatedHost) {
    this.#wired = wired;
    this.cluster = wired.cluster;
    this.map = wired.map;
    this.channels = wired.channels;
    this.clock = runtime.clock;
    this.meter = runtime.meter;
  }

  /** By hand, for the whole cluster. */
  switchTopology(to: TopologyMode): void {
    if (!this.isLeaving) this.#wired.switchTopology(to);
  }

  /** A start the disk refuses ends here: the process has told why, and the world decides what comes next. */
  static async start(host: SimulatedHost, world: RunWorld): Promise<StackNode> {
    const bornMs = world.now();
    const wired = await wire(host, world).catch((error: unknown) => {
      if (!isFoundationError(error, "ERR_STORAGE")) throw error;
      world.refused(host, error);
      return new Promise<never>(() => {});
    });
    const node = new StackNode(wired, host);
    world.identities.started(host.name, node.cluster.self);
    node.#follow(wired.follow, world);
    node.#serveChannels(world, bornMs);
    void node.#subscribe();
    node.map?.subscribe((change) => world.maps.note(node.key, change));
    const journal = new DiskJournal(world.disks, host.name, host.runtime.storage);
    void journal.keep(host.runtime.clock, node.#over.signal);
    return node;
  }

  /** Node and boot, as messages carry them. */
  get key(): string {
    return keyOf(this.cluster.self);
  }

  /** Members as text: equal on all nodes when the directories agree. */
  get members(): string {
    const members = this.cluster.nodes();
    return members
      .map(({ name, id, boot, status }) => `${name} ${id} ${boot} ${status}`)
      .join("\n");
  }

  /** How it is linked, and to whom broadcasts pass from it. */
  async vertex(): Promise<Vertex> {
    const { name, id } = this.cluster.self;
    const { topology, neighbours } = await this.#wired.graph();
    return { name, id, topology, neighbours };
  }

  /** Names and counts of children as text: equal on all nodes when the registries agree. */
  get registryView(): string {
    const { registry } = this.cluster;
    const names = registry.select().map(({ name, pid }) => `${name} ${pidText(pid)}`);
    const { distributed, failed } = this.cluster.info().processes;
    const children = this.#wired.children?.() ?? [];
    return [...names, ...children, `${distributed} children run, ${failed} failed`].join("\n");
  }

  /** How much its tables hold, where they can be seen. */
  get tables(): Readonly<Record<string, number>> {
    return this.#wired.tables?.() ?? {};
  }

  next(lane: string): number {
    const sequence = (this.sequences.get(lane) ?? 0) + 1;
    this.sequences.set(lane, sequence);
    return sequence;
  }

  has(id: string): boolean {
    return this.#received.has(id);
  }

  async drain(): Promise<void> {
    this.isDraining = true;
    await this.cluster.drain();
  }

  async leave(): Promise<void> {
    this.isLeaving = true;
    this.#over.abort();
    await this.cluster.leave();
  }

  #follow(follow: Follow, { note, channels }: RunWorld): void {
    const partings = new Partings(this.key, this.clock, channels);
    follow((type, node) => {
      note("member", `${type} ${node.name} ${node.boot}`, this.cluster.self.name);
      this.told.told(type, node);
      partings.told(type, node);
      if (type === "node-up") this.#ended.delete(keyOf(node));
      if (type === "node-down" || type === "node-left") {
        this.#ended.set(keyOf(node), this.clock.now());
      }
    });
  }

  #serveChannels({ channels: book, streams }: RunWorld, bornMs: number): void {
    for (const channel of channelNames) {
      this.channels.handle(channel, (payload) => {
        const { id, bytes, holdMs } = payload as ChannelMessage;
        const finished = book.handling(id, bytes, this.key);
        if (holdMs === 0) return finished();
        return this.clock.sleep(holdMs).then(finished);
      });
    }
    this.channels.handleStream("simulation.reliable", (stream) => streams.read(stream, this.key));
    book.serves(this.key, bornMs);
  }

  async #subscribe(): Promise<void> {
    const subscription = this.cluster.pubsub.subscribe("simulation.>", { buffer: 100_000 });
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

async function wire(host: SimulatedHost, { byHand, port, topology }: RunWorld): Promise<Wired> {
  if (byHand) return wireByHand(host, { cluster: CLUSTER, secret: SECRET, port, topology });
  const { runtime, name, discovery } = host;
  const cluster = await startCluster({
    name: CLUSTER,
    cluster: discovery,
    node: { name },
    overlay: { port, channels: channelList, topology },
    security: { secret: SECRET },
    signals: false,
    runtime,
  });
  const follow: Follow = (listener) => {
    const read = async () => {
      for await (const { type, node } of cluster.watch()) {
        if (node !== undefined) listener(type, node);
      }
    };
    void read();
  };
  const switchTopology = (to: TopologyMode) => void cluster.switchTopology(to);
  const graph = () => cluster.inspect(cluster.self.id);
  return { cluster, follow, switchTopology, graph, channels: clusterChannels(cluster) };
}

function pidText({ node, boot, serial }: { node: string; boot: string; serial: number }): string {
  return `${node}/${boot}/${serial}`;
}
