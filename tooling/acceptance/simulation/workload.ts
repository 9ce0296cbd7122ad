/**
 * Workload: what an application would do, from all nodes at once, with an id on every message and the outcome of every
 * call written down, so that the books can be balanced at the end.
 *
 * It draws from a source of its own, and for each action the same number of times, so that a run with fewer faults is
 * asked to do the same things at the same times.
 */
import { isFoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { Simulator } from "@foundation/testkit";
import { ledger, topics, type Numbered } from "./journal.js";
import { writeMap } from "./map-writes.js";
import { MonitorBook } from "./monitor-book.js";
import { watchOverdue } from "./overdue.js";
import { chosen } from "./draws.js";
import type { StackNode } from "./stack-node.js";

export const identities = ["ann", "bob", "cid", "dora"];
export const localNames = ["local-x", "local-y"];

/** How a call ended for its caller. */
export interface Outcome {
  readonly id: string;
  /** "ok", or the code of the error. */
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
  /** Who asked whom, and when it was told: for people. */
  readonly what?: string;
}

interface CallChoice {
  readonly handler?: "book" | "bookLater" | "bookLarge";
  /** In milliseconds. */
  readonly timeout: number;
  /** How long the handler takes, or how many bytes it gets. @default 0 */
  readonly amount?: number;
}

export interface WorkloadOptions {
  readonly seed: string;
  readonly everyMs: number;
  /** How much of it is heavy. */
  readonly heavyChance: number;
}

const BURST_CASTS = 1_000;
const LARGE_BYTES_MAX = 600_000;
const READERS_MAX = 50;
const HEAVY_TIMEOUT_MS = 5_000;
const LINGER_MS_MAX = 8_000;

/** What was drawn for one action: numbers from 0 to 1. */
interface Draw {
  readonly action: number;
  readonly node: number;
  readonly name: number;
  readonly amount: number;
  readonly other: number;
}

export class Workload {
  readonly #sim: Simulator<StackNode>;
  readonly #options: WorkloadOptions;
  readonly #random: Random;
  readonly monitors: MonitorBook;
  readonly outcomes: Outcome[] = [];
  readonly casts: string[] = [];
  readonly published: string[] = [];
  /** Identities whose start was reported as done. */
  readonly started = new Set<string>();
  readonly violations: string[] = [];
  #readers = 0;
  #ids = 0;
  #stopped = false;

  constructor(sim: Simulator<StackNode>, options: WorkloadOptions) {
    this.#sim = sim;
    this.#options = options;
    this.monitors = new MonitorBook(() => sim.clock.now());
    this.#random = seededRandom(`workload ${options.seed}`);
  }

  start(): void {
    const delayMs = this.#random.next() * 2 * this.#options.everyMs;
    const [action, node, name, amount, other] = [0, 0, 0, 0, 0].map(() => this.#random.next());
    this.#sim.at(delayMs, () => {
      if (this.#stopped) return;
      this.#act({ action, node, name, amount, other } as Draw);
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One call from a node; its outcome is written down. */
  call(node: StackNode, name: string, { handler = "book", timeout, amount = 0 }: CallChoice): void {
    const id = this.#id(handler);
    const ref = node.cluster.process(ledger, name);
    const what = `${handler} of ${name} by ${node.key} at ${this.#now()}, told`;
    const reply = (): Promise<unknown> => {
      if (handler === "book") return ref.call("book", id, { timeout });
      if (handler === "bookLater") {
        return ref.call("bookLater", { id, afterMs: amount }, { timeout });
      }
      const bytes = new Uint8Array(amount).fill(amount % 251);
      return ref.call("bookLarge", { id, bytes }, { timeout }).then((echo) => {
        if (!Buffer.from(bytes).equals(echo)) this.violations.push(`${id} came back changed`);
      });
    };
    const late = `${id} has not ended by its timeout of ${timeout} ms (${what} nothing)`;
    const ended = watchOverdue(node.clock, timeout, () => this.violations.push(late));
    reply().then(
      () => {
        ended();
        this.monitors.answered(node.key, id);
        const told = `${what} ${this.#now()}`;
        this.outcomes.push({ id, code: "ok", retryable: false, message: "", what: told });
      },
      (error: unknown) => {
        ended();
        this.#failed(id, error, `${what} ${this.#now()}`);
      },
    );
  }

  /** Starts an identity from a node, or finds it. */
  async ensure(node: StackNode, name: string): Promise<void> {
    const options = { name, distribute: true, ifRunning: "return", timeout: "5s" } as const;
    await node.cluster.startProcess(ledger, undefined, options);
    this.started.add(name);
  }

  publish(node: StackNode, choice = 0): string {
    // Half of it goes to the two that are busy.
    const last = choice < 0.5 ? 1 : topics.length - 1;
    const topic = topics[Math.floor(choice * 2 * (last + 1)) % (last + 1)] ?? (topics[0] as never);
    const id = this.#id("topic");
    const message = { id, sender: node.key, sequence: node.next(topic.name) };
    node.cluster.pubsub.publish(topic, message);
    this.published.push(id);
    return id;
  }

  #act(draw: Draw): void {
    const ready = this.#sim.nodes.filter(({ state, app }) => state === "up" && app !== undefined);
    if (ready.length === 0) return;
    chosen(ready, draw.node).within((node) => {
      if (node.isLeaving) return;
      const { heavyChance } = this.#options;
      if (draw.action < heavyChance) this.#actHeavily(node, draw);
      else this.#actLightly(node, draw, (draw.action - heavyChance) / (1 - heavyChance));
    });
  }

  #actLightly(node: StackNode, draw: Draw, action: number): void {
    const name = chosen(identities, draw.name);
    const timeout = 50 + Math.floor(draw.amount * 2_000);
    if (action < 0.34) this.call(node, name, { timeout });
    else if (action < 0.44) {
      this.call(node, name, { handler: "bookLater", timeout, amount: draw.other * 800 });
    } else if (action < 0.6) this.publish(node, draw.other);
    else if (action < 0.72) this.#cast(node, name);
    else if (action < 0.8) this.#attempt(() => this.ensure(node, name));
    else if (action < 0.82) {
      this.#attempt(() => node.cluster.process(ledger, name).call("crash"));
    } else if (action < 0.84) {
      this.#attempt(() => this.#startLocal(node, chosen(localNames, draw.other)));
    } else if (action < 0.86) this.#attempt(() => this.#rename(node, name, draw.other));
    else if (action < 0.89) {
      this.#attempt(() => this.monitors.watch(node, node.cluster.process(ledger, name)));
    } else if (action < 0.92) this.#read(node, draw);
    else this.#writeMap(node, draw);
  }

  /** What a machine with one careless application sees. */
  #actHeavily(node: StackNode, draw: Draw): void {
    const name = chosen(identities, draw.name);
    if (draw.other < 0.4) {
      const amount = Math.ceil(draw.amount * LARGE_BYTES_MAX);
      this.call(node, name, { handler: "bookLarge", timeout: HEAVY_TIMEOUT_MS, amount });
    } else if (draw.other < 0.7) {
      for (let i = 0; i < BURST_CASTS; i++) this.#cast(node, name);
    } else {
      for (const topic of topics) this.publish(node, topics.indexOf(topic) / topics.length);
    }
  }

  #cast(node: StackNode, name: string): void {
    const id = this.#id("cast");
    node.cluster
      .process(ledger, name)
      .cast("note", { id, sender: node.key, sequence: node.next(`cast ${name}`) });
    this.casts.push(id);
  }

  /** A process of this node alone under a name of the cluster. */
  async #startLocal(node: StackNode, name: string): Promise<void> {
    await node.cluster.startProcess(ledger, undefined, { name, restart: "temporary" });
  }

  /** One more name for a process that runs somewhere, or one less. */
  async #rename(node: StackNode, name: string, choice: number): Promise<void> {
    const alias = `alias-${Math.floor(choice * 30) % 3}`;
    if (choice < 0.4) await node.cluster.registry.unregister(alias, { timeout: "2s" });
    else {
      const ref = node.cluster.process(ledger, name);
      await node.cluster.registry.register(alias, ref, { timeout: "2s" });
    }
  }

  /** A subscriber that comes and goes; half of them never read what comes. */
  #read(node: StackNode, { name, amount, other }: Draw): void {
    if (this.#readers >= READERS_MAX) return;
    this.#readers += 1;
    const topic = chosen(topics, name);
    const subscription = node.cluster.pubsub.subscribe(topic, { buffer: 10 });
    const last = new Map<string, number>();
    let isOver = false;
    const read = async () => {
      for await (const { data } of subscription) {
        if (isOver) this.violations.push(`${topic.name}: ${data.id} came after the close`);
        this.#inOrder(topic.name, data, last);
      }
    };
    if (other < 0.5) void read();
    this.#sim.at(amount * LINGER_MS_MAX, () => {
      this.#readers -= 1;
      const own = this.#sim.nodes.find(({ app }) => app === node);
      own?.within(() => {
        isOver = true;
        void subscription.close();
      });
    });
  }

  #inOrder(topic: string, { id, sender, sequence }: Numbered, last: Map<string, number>): void {
    const before = last.get(sender) ?? 0;
    if (sequence <= before) {
      this.violations.push(`${topic} from ${sender}: ${id} is ${sequence}, after ${before}`);
    }
    last.set(sender, sequence);
  }

  #writeMap(node: StackNode, draw: Draw): void {
    if (node.map === undefined) return void this.publish(node, draw.other);
    const wrong = writeMap(node.map, draw, () => this.#id("write"));
    for (const what of wrong) this.violations.push(`map on ${node.key}: ${what}`);
  }

  #attempt(work: () => unknown): void {
    const run = async () => work();
    run().catch((error: unknown) => {
      if (!isFoundationError(error)) this.violations.push(`not a FoundationError: ${text(error)}`);
    });
  }

  #failed(id: string, error: unknown, what: string): void {
    if (!isFoundationError(error)) {
      this.violations.push(`${id} ended with what is not a FoundationError: ${text(error)}`);
      return;
    }
    const { code, retryable, message } = error;
    this.outcomes.push({ id, code, retryable, message, what });
  }

  #now(): string {
    return `${this.#sim.clock.now().toFixed(3)} ms`;
  }

  #id(kind: string): string {
    this.#ids += 1;
    return `${kind}-${this.#ids}`;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
}
