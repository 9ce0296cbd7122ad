/**
 * Workload: what an application would do, from all nodes at once, with an id on every message and the outcome of every
 * call written down, so that the books can be balanced at the end.
 */
import { isFoundationError } from "@foundation/core";
import type { Simulator } from "@foundation/testkit";
import { ledger, topics } from "./journal.js";
import type { StackNode } from "./stack-node.js";
import { below, pick } from "./swarm.js";

export const identities = ["ann", "bob", "cid", "dora"];
export const localNames = ["local-x", "local-y"];

/** How a call ended for its caller. */
export interface Outcome {
  readonly id: string;
  /** "ok", or the code of the error. */
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
}

interface CallChoice {
  readonly handler?: "book" | "bookLater";
  /** In milliseconds. @default any: also one that is too short */
  readonly timeout?: number;
}

export class Workload {
  readonly #sim: Simulator<StackNode>;
  readonly #everyMs: number;
  readonly outcomes: Outcome[] = [];
  readonly casts: string[] = [];
  readonly published: string[] = [];
  /** Identities whose start was reported as done. */
  readonly started = new Set<string>();
  readonly violations: string[] = [];
  #ids = 0;
  #stopped = false;

  constructor(sim: Simulator<StackNode>, everyMs: number) {
    this.#sim = sim;
    this.#everyMs = everyMs;
  }

  start(): void {
    this.#sim.at(this.#sim.random.next() * 2 * this.#everyMs, () => {
      if (this.#stopped) return;
      this.#act();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One call from a node; its outcome is written down. */
  call(
    node: StackNode,
    name: string,
    { handler = "book", timeout = 50 + below(this.#sim.random, 2_000) }: CallChoice = {},
  ): void {
    const id = this.#id(handler);
    const ref = node.cluster.process(ledger, name);
    const reply =
      handler === "book"
        ? ref.call("book", id, { timeout })
        : ref.call("bookLater", { id, afterMs: below(this.#sim.random, 800) }, { timeout });
    reply.then(
      () => this.outcomes.push({ id, code: "ok", retryable: false, message: "" }),
      (error: unknown) => this.#failed(id, error),
    );
  }

  /** Starts an identity from a node, or finds it. */
  async ensure(node: StackNode, name: string): Promise<void> {
    const options = { name, distribute: true, ifRunning: "return", timeout: "5s" } as const;
    await node.cluster.startProcess(ledger, undefined, options);
    this.started.add(name);
  }

  publish(node: StackNode): string {
    const topic = pick(this.#sim.random, topics);
    const id = this.#id("topic");
    node.cluster.pubsub.publish(topic, {
      id,
      sender: node.key,
      sequence: node.next(topic.name),
    });
    this.published.push(id);
    return id;
  }

  #act(): void {
    const { random } = this.#sim;
    const ready = this.#sim.nodes.filter(({ state, app }) => state === "up" && app !== undefined);
    if (ready.length === 0) return;
    const action = random.next();
    const name = pick(random, identities);
    pick(random, ready).within((node) => {
      if (node.isLeaving) return;
      if (action < 0.4) this.call(node, name);
      else if (action < 0.5) this.call(node, name, { handler: "bookLater" });
      else if (action < 0.7) this.publish(node);
      else if (action < 0.85) this.#cast(node, name);
      else if (action < 0.94) this.#attempt(this.ensure(node, name));
      else if (action < 0.96) this.#attempt(node.cluster.process(ledger, name).call("crash"));
      else if (action < 0.98) this.#attempt(this.#startLocal(node));
      else this.#attempt(this.#rename(node));
    });
  }

  #cast(node: StackNode, name: string): void {
    const id = this.#id("cast");
    node.cluster
      .process(ledger, name)
      .cast("note", { id, sender: node.key, sequence: node.next(`cast ${name}`) });
    this.casts.push(id);
  }

  /** A process of this node alone under a name of the cluster. */
  async #startLocal(node: StackNode): Promise<void> {
    const name = pick(this.#sim.random, localNames);
    await node.cluster.startProcess(ledger, undefined, { name, restart: "temporary" });
  }

  /** One more name for a process that runs somewhere, or one less. */
  async #rename(node: StackNode): Promise<void> {
    const { random } = this.#sim;
    const alias = `alias-${below(random, 3)}`;
    if (random.next() < 0.4) await node.cluster.registry.unregister(alias, { timeout: "2s" });
    else {
      const ref = node.cluster.process(ledger, pick(random, identities));
      await node.cluster.registry.register(alias, ref, { timeout: "2s" });
    }
  }

  #attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!isFoundationError(error)) this.violations.push(`not a FoundationError: ${text(error)}`);
    });
  }

  #failed(id: string, error: unknown): void {
    if (!isFoundationError(error)) {
      this.violations.push(`${id} ended with what is not a FoundationError: ${text(error)}`);
      return;
    }
    const { code, retryable, message } = error;
    this.outcomes.push({ id, code, retryable, message });
  }

  #id(kind: string): string {
    this.#ids += 1;
    return `${kind}-${this.#ids}`;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
}
