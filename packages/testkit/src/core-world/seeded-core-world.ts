/**
 * SeededCoreWorld: the loop of a core world, its nodes over all their boots, and what can be done to them.
 *
 * Invariants: time never goes back; nothing happens but what is taken from the queue, in its order, and what the test
 * does between two runs.
 */
import { parseDuration, type Duration, type FoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { testkitErrors } from "../errors.js";
import { invalidArgument } from "../invalid-argument.js";
import { TraceRing } from "../simulation/trace.js";
import { CoreBoot } from "./core-boot.js";
import { CoreDisk, type DiskConditions } from "./core-disk.js";
import type { CoreNetwork, Due, Parts } from "./core-parts.js";
import type { CoreNode, CoreWorld, CoreWorldOptions } from "./core-world.js";
import { Datagrams, type NetworkParts } from "./datagrams.js";
import { EventQueue } from "./event-queue.js";
import { coreWorldLimits } from "./limits.js";
import { hashOfMessage, hashOfText } from "./message-hash.js";
import { viewOf, type NodeRecord } from "./node-record.js";
import { Streams } from "./streams.js";
import { quietConditions, Wires, type CoreConditions } from "./wires.js";

const diskDefault: DiskConditions = { syncMs: 1, jitterMs: 2 };

export class SeededCoreWorld<Input, Effect, Message, Write, Core>
  implements CoreWorld<Input, Core, Write>
{
  readonly seed: string;
  readonly random: Random;
  readonly trace: TraceRing;
  now = 0;
  delivered = 0;
  readonly #options: CoreWorldOptions<Input, Effect, Message, Write, Core>;
  readonly #queue = new EventQueue<Due>();
  readonly #nodes: NodeRecord<Input, Message, Write, Core>[] = [];
  readonly #views: CoreNode<Core>[] = [];
  readonly #root: Random;
  readonly #wires: Wires;
  readonly #network: CoreNetwork<Message>;
  readonly #parts: Parts<Message>;

  constructor(options: CoreWorldOptions<Input, Effect, Message, Write, Core>) {
    this.seed = String(options.seed);
    this.#options = options;
    this.#root = seededRandom(`core world ${this.seed}`);
    this.random = this.#root.fork("test");
    this.trace = new TraceRing(coreWorldLimits.traceLinesMax, options.verbose ?? false);
    this.#wires = new Wires(this.#root.fork("network"), options.conditions ?? quietConditions);
    this.#network = this.#createNetwork();
    this.#parts = this.#createParts();
    for (let count = 0; count < (options.nodes ?? 0); count += 1) this.addNode();
  }

  get nodes(): readonly CoreNode<Core>[] {
    return this.#views;
  }

  addNode(): number {
    const number = this.#nodes.length;
    const { nodesMax } = coreWorldLimits;
    if (number >= nodesMax) throw invalidArgument("nodes", `at most ${nodesMax}`, `${number + 1}`);
    const clock = { localMs: 0, worldMs: 0, rate: 1, wallOffsetMs: this.#options.wallStartMs ?? 0 };
    const random = this.#root.fork(`disk ${number}`);
    const disk = new CoreDisk<Write>(random, (at, happen) => this.#queue.add(at, { happen }));
    const boot = new CoreBoot<Input, Message, Write>(number, 1, this.#parts, { clock, disk });
    const core = this.#options.create(boot, disk.synced);
    const node = { clock, disk, name: String(number), boot, core, isHostOn: true };
    this.#nodes.push(node);
    this.#views.push(viewOf(node));
    boot.begin(core);
    return number;
  }

  node(node: number): CoreNode<Core> {
    this.#own(node);
    return this.#views[node] as CoreNode<Core>;
  }

  input(node: number, input: Input): void {
    this.#own(node).boot.feed(input);
  }

  disk(node: number): readonly Write[] {
    return this.#own(node).disk.synced;
  }

  crash(node: number, options: { readonly kind?: "process" | "power" } = {}): void {
    const { kind = "process" } = options;
    const own = this.#own(node);
    if (!own.boot.isRunning) return;
    own.boot.end();
    const lost = own.disk.ended(kind);
    if (kind === "power") own.isHostOn = false;
    this.note("crash", lost > 0 ? `${kind}, ${lost} writes lost` : kind, node);
    this.#network.ended(node, kind);
  }

  restart(node: number, options: { readonly disk?: "kept" | "wiped" } = {}): void {
    const { disk = "kept" } = options;
    const own = this.#own(node);
    if (own.boot.isRunning) return;
    if (disk === "wiped") own.disk.wipe();
    own.isHostOn = true;
    this.note("restart", disk, node);
    own.boot = new CoreBoot(node, own.boot.boot + 1, this.#parts, own);
    const core = this.#options.create(own.boot, own.disk.synced);
    own.core = core;
    own.boot.begin(core);
  }

  pause(node: number): void {
    const { boot } = this.#own(node);
    if (!boot.isRunning || boot.isPaused) return;
    boot.isPaused = true;
    this.note("pause", "", node);
  }

  resume(node: number): void {
    const { boot } = this.#own(node);
    if (!boot.isPaused) return;
    this.note("resume", "", node);
    boot.resume();
  }

  driftClock(node: number, rate: number): void {
    if (!(rate > 0) || !Number.isFinite(rate)) {
      throw invalidArgument("rate", "a number greater than 0", String(rate));
    }
    const { clock, boot } = this.#own(node);
    clock.localMs = boot.now();
    clock.worldMs = this.now;
    clock.rate = rate;
    this.note("drift", String(rate), node);
  }

  skewWall(node: number, offsetMs: number): void {
    this.#own(node).clock.wallOffsetMs = (this.#options.wallStartMs ?? 0) + offsetMs;
    this.note("skew", String(offsetMs), node);
  }

  stallDisk(node: number, forMs: number): void {
    const { disk } = this.#own(node);
    this.note("stall", `${forMs} ms`, node);
    disk.stall(this.now + forMs);
  }

  partition(
    a: readonly number[],
    b: readonly number[],
    options: { readonly oneWay?: boolean } = {},
  ): void {
    const { oneWay = false } = options;
    for (const from of a) {
      for (const to of b) {
        this.#wires.cut(from, to);
        if (!oneWay) this.#wires.cut(to, from);
      }
    }
    this.note("partition", `${a.join()} ${oneWay ? ">" : "|"} ${b.join()}`);
  }

  link(from: number, to: number, conditions?: CoreConditions): void {
    this.#wires.set(from, to, conditions);
    this.note("link", `${from} > ${to} ${JSON.stringify(conditions ?? "as usual")}`);
  }

  reset(a: number, b: number, options: { readonly half?: boolean } = {}): void {
    const { half = false } = options;
    this.note("reset", `${a} ${half ? ">" : "-"} ${b}`);
    this.#network.reset(a, b, half);
  }

  heal(conditions?: CoreConditions): void {
    this.note("heal", "");
    this.#wires.heal(conditions);
    for (const { clock, disk, boot } of this.#nodes) {
      clock.localMs = boot.now();
      clock.worldMs = this.now;
      clock.rate = 1;
      clock.wallOffsetMs = this.#options.wallStartMs ?? 0;
      disk.release();
      boot.resume();
    }
    this.#network.healed();
  }

  at(delayMs: number, happen: () => void): void {
    this.#queue.add(this.now + delayMs, { happen });
  }

  note(kind: string, text: string, node?: number): void {
    this.trace.line(this.now, node === undefined ? "-" : String(node), kind, text);
  }

  run(duration: Duration): void {
    this.#runTo(this.now + parseDuration(duration, "duration"));
  }

  until(condition: () => boolean, within: Duration): boolean {
    const end = this.now + parseDuration(within, "within");
    while (!condition()) {
      if (this.now >= end) return false;
      this.#runTo(Math.min(end, this.now + coreWorldLimits.untilStepMs));
    }
    return true;
  }

  #runTo(end: number): void {
    const queue = this.#queue;
    while (queue.nextAt <= end) {
      this.now = Math.max(this.now, queue.nextAt);
      queue.take()?.happen();
    }
    this.now = end;
  }

  #createNetwork(): CoreNetwork<Message> {
    const { transport = "datagrams", dialTimeout = coreWorldLimits.dialTimeoutMs } = this.#options;
    const parts: NetworkParts<Message> = {
      wires: this.#wires,
      queue: this.#queue,
      now: () => this.now,
      receiver: (node) => this.#nodes[node]?.boot,
      isHostOn: (node) => this.#nodes[node]?.isHostOn ?? false,
      delivered: (to, from, message) => {
        this.delivered += 1;
        const hash = Math.imul(from + 1, 0x9e3779b1) ^ hashOfMessage(message);
        this.trace.event(this.now, this.#nodes[to]?.name ?? "-", "message", hash);
      },
    };
    if (transport === "streams") {
      const dialTimeoutMs = parseDuration(dialTimeout, "dialTimeout");
      return new Streams(parts, { dialTimeoutMs });
    }
    return new Datagrams(parts, { ordered: transport === "ordered" });
  }

  #createParts(): Parts<Message> {
    return {
      random: this.#root,
      queue: this.#queue,
      network: this.#network,
      now: () => this.now,
      diskConditions: this.#options.disk ?? diskDefault,
      traced: (kind, node, text) => {
        this.trace.event(this.now, this.#nodes[node]?.name ?? "-", kind, hashOfText(text));
      },
      note: (kind, text, node) => this.note(kind, text, node),
      failed: (node, cause) => this.#failed(node, cause),
    };
  }

  #failed(node: number, cause: unknown): FoundationError {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return testkitErrors.ERR_SIMULATION_FAILED(
      `The core of node ${node} threw ${reason} at ${this.now} ms, seed ${this.seed}; ` +
        "a core must not throw: read the cause, the same seed replays it",
      { seed: this.seed, node: String(node), atMs: this.now },
      cause,
    );
  }

  #own(node: number): NodeRecord<Input, Message, Write, Core> {
    const own = this.#nodes[node];
    if (own) return own;
    throw invalidArgument("node", `a number from 0 to ${this.#nodes.length - 1}`, String(node));
  }
}
