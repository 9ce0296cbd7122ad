/**
 * Workload: what users do with processes, from all nodes at once: start, call, cast, crash, stop, drain. Every outcome is
 * written down, and in the end compared with what ran.
 */
import { isFoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { ProcessBook } from "./process-book.js";
import { startOf, type Node, type ProcessNode, type Sim } from "./process-node.js";
import type { Mortals } from "./mortals.js";
import type { Feature } from "./parts/part.js";
import { common, merger, rare, REFUSED, saver, sole, worker } from "./subjects.js";

/** Identities that are started and never stopped. */
export const kept = ["ann", "bob", "cid", "dora", "eve", "finn"] as const;
/** Of a process that not every node defines. */
export const keptRare = ["rex", "ria"] as const;
/** Strong ones, where there is a store of names. */
export const keptSole = ["sol", "sue", "sid"] as const;
/** Runs only where a quorum is, where it is known what that is. */
export const keptGuarded = ["gus"] as const;
/** They keep their state. */
export const keptSaver = ["kim", "kai"] as const;
/** They take in what others of their name knew. */
export const keptMerger = ["mia", "max"] as const;

/** Errors after which nothing of the call may ever run, whatever `retryable` says. */
const notRun = new Set(["ERR_NO_PROCESS", "ERR_NODE_UNREACHABLE", "ERR_TIMEOUT"]);

/** How a call ended for its caller. */
interface Outcome {
  readonly id: string;
  readonly identity: string;
  /** "ok", or the code of the error. */
  readonly code: string;
  readonly isNotRun: boolean;
  /** Who asked, when, and what was said: for people. */
  readonly what: string;
}

/** What kinds of identities there can be. */
export interface Kinds {
  readonly hasStore: boolean;
  readonly byHand: boolean;
  readonly features: readonly Feature[];
}

export class Workload {
  readonly outcomes: Outcome[] = [];
  /** Of identities that nobody stops: starts of nodes that were told that it runs, and so know of it. */
  readonly #told = new Map<string, Set<string>>();
  readonly #settled = new Set<string>();
  readonly violations: string[] = [];
  /** Nodes that are leaving; they take no more part. */
  readonly #leaving = new Set<string>();
  readonly identities: readonly string[];
  readonly #sim: Sim;
  readonly #random: Random;
  readonly #mortals: Mortals;
  #ids = 0;
  casts = 0;
  drains = 0;
  /** Migrations that were reported as done. */
  moves = 0;

  constructor(sim: Sim, random: Random, mortals: Mortals, kinds: Kinds) {
    this.identities = [
      ...kept,
      ...keptRare,
      ...(kinds.hasStore ? keptSole : []),
      ...(kinds.byHand ? keptGuarded : []),
      ...(kinds.features.includes("saving") ? keptSaver : []),
      ...(kinds.features.includes("merging") ? keptMerger : []),
    ];
    this.#sim = sim;
    this.#random = random;
    this.#mortals = mortals;
  }

  get ok(): number {
    return this.outcomes.filter(({ code }) => code === "ok").length;
  }

  /** Identities that must run: somebody who is up was told so, or all knew when nothing was wrong. */
  living(): readonly string[] {
    const up = new Set(this.#sim.nodes.map(startOf));
    return this.identities.filter((identity) => {
      const told = this.#told.get(identity) ?? new Set();
      return this.#settled.has(identity) || [...told].some((start) => up.has(start));
    });
  }

  /** From now on all that live are known to all. */
  settle(): void {
    for (const identity of this.living()) this.#settled.add(identity);
  }

  /** True while a node is about to leave. */
  get isSomebodyLeaving(): boolean {
    return this.#sim.nodes.some((node) => this.#leaving.has(startOf(node)));
  }

  /** Nodes that serve users. */
  ready(): readonly Node[] {
    return this.#sim.nodes.filter(
      (node) => node.state === "up" && node.app !== undefined && !this.#leaving.has(startOf(node)),
    );
  }

  /** One thing a user does somewhere. */
  act(): void {
    const random = this.#random;
    const [action, amount, which] = [random.next(), random.next(), random.next()];
    const nodes = this.ready();
    const node = nodes[Math.floor(random.next() * nodes.length)];
    if (node === undefined) return;
    const identity = this.#identity(which);
    const timeout = 100 + Math.floor(amount * 2_500);
    if (action < 0.45) return this.call(node, identity, timeout);
    if (action < 0.6) return this.call(node, identity, timeout, amount * 900);
    if (action < 0.7) return this.#cast(node, identity);
    if (action < 0.82) return this.ensure(node, identity);
    if (action < 0.84) return this.crash(node, identity);
    if (action < 0.87) return this.move(node, identity);
    if (action < 0.93) return this.#mortals.start(node, amount);
    this.#mortals.stop(node, amount);
  }

  /** A call of a user who does nothing else. */
  serveOne(): void {
    const nodes = this.ready();
    const node = nodes[Math.floor(this.#random.next() * nodes.length)];
    const identity = this.#identity(this.#random.next());
    if (node !== undefined) this.call(node, identity, 2_000);
  }

  /** One call; its outcome is written down. With `afterMs` the handler takes so long. */
  call(node: Node, identity: string, timeout: number, afterMs = 0): void {
    const id = this.#id("call");
    const asked = `${id} of ${identity} by ${startOf(node)} at ${this.#sim.clock.now().toFixed(1)} ms`;
    const note = (code: string, isNotRun: boolean, message: string) => {
      const what = `${asked}, told ${this.#sim.clock.now().toFixed(1)} ms ${message}`;
      this.outcomes.push({ id, identity, code, isNotRun, what });
    };
    node.within((app) => {
      const ref = app.face.process(definitionOf(identity), identity);
      const reply =
        afterMs > 0
          ? ref.call("addLater", { id, afterMs }, { timeout })
          : ref.call("add", id, { timeout });
      reply.then(
        (value) => note(value === REFUSED ? "refused" : "ok", value === REFUSED, ""),
        (error: unknown) => {
          if (!isFoundationError(error)) return this.#strange(asked, error);
          const { code, retryable, message } = error;
          note(code, retryable || notRun.has(code), message);
        },
      );
    });
  }

  /** Starts an identity from a node, or finds it. */
  ensure(node: Node, identity: string): void {
    if (!node.within((app) => mayRunOn(app, identity))) return;
    const start = startOf(node);
    this.attempt(node, async ({ face }) => {
      await face.startProcess(
        definitionOf(identity),
        { identity },
        {
          name: identity,
          distribute: true,
          ifRunning: "return",
          consistency: isStrong(identity) ? "strong" : "eventual",
          partition: isGuarded(identity) ? "quorum" : "run-anywhere",
          timeout: "5s",
        },
      );
      this.#told.set(identity, (this.#told.get(identity) ?? new Set()).add(start));
    });
  }

  /** Moves an identity to any node. */
  move(node: Node, identity: string): void {
    const nodes = this.ready().filter(({ app }) => app && mayRunOn(app, identity));
    const to = nodes[Math.floor(this.#random.next() * nodes.length)];
    if (to !== undefined) this.moveTo(node, identity, to);
  }

  moveTo(node: Node, identity: string, { app }: Node): void {
    if (app === undefined || !mayRunOn(app, identity)) return;
    const to = app.face.self.id;
    this.attempt(node, async ({ face }) => {
      const { from } = await face.migrate(identity, { to, timeout: "4s" });
      if (from !== to) this.moves += 1;
    });
  }

  /** A node hands over what it has, leaves, and ends; its next start is another matter. */
  leave(node: Node, whenGone: (node: Node) => void): void {
    const start = startOf(node);
    if (this.#leaving.has(start)) return;
    this.#leaving.add(start);
    this.drains += 1;
    node.within((app) => {
      void app.face.leave().then(
        () => this.#leftIf(node, start, whenGone),
        (error: unknown) => this.#strange(`${start} leaves`, error),
      );
    });
  }

  /** Calls that failed since there were so many, of the identities given. */
  failedSince(count: number, identities: readonly string[]): readonly string[] {
    return this.outcomes
      .slice(count)
      .filter(({ code, identity }) => code !== "ok" && identities.includes(identity))
      .map(({ what, code }) => `${what}: ${code}, while nothing was wrong`);
  }

  /** What callers were told, against what ran. */
  judge(book: ProcessBook): readonly string[] {
    const wrong = [...this.violations];
    for (const { id, code, isNotRun, what } of this.outcomes) {
      const times = book.times(id);
      if (code === "ok" && times !== 1) wrong.push(`${what}: done, and ran ${times} times`);
      if (isNotRun && times > 0) {
        const [run] = book.runs.get(id) ?? [];
        wrong.push(`${what}: ${code}, and ran on ${run?.instance} at ${run?.atMs.toFixed(1)} ms`);
      }
    }
    for (const [id, runs] of book.runs) {
      if (runs.length > 1) wrong.push(`${id} ran ${runs.length} times: ${JSON.stringify(runs)}`);
    }
    return wrong;
  }

  #leftIf(node: Node, start: string, whenGone: (node: Node) => void): void {
    if (node.state !== "down" && startOf(node) === start) whenGone(node);
  }

  #cast(node: Node, identity: string): void {
    const id = this.#id("cast");
    this.casts += 1;
    node.within((app) => app.face.process(definitionOf(identity), identity).cast("note", id));
  }

  /** Has a process fail by a bug of its own. */
  crash(node: Node, identity: string): void {
    this.attempt(node, ({ face }) =>
      face.process(definitionOf(identity), identity).call("crash", undefined, { timeout: "2s" }),
    );
  }

  /** What fails as it may is no violation. */
  attempt(node: Node, work: (node: ProcessNode) => Promise<unknown>): void {
    node.within((app) => {
      work(app).catch((error: unknown) => {
        if (!isFoundationError(error)) this.#strange(startOf(node), error);
      });
    });
  }

  #strange(what: string, error: unknown): void {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.violations.push(`${what}: ended with what is not a FoundationError: ${said}`);
  }

  #identity(choice: number): string {
    return this.identities[Math.floor(choice * this.identities.length)] ?? "ann";
  }

  #id(kind: string): string {
    this.#ids += 1;
    return `${kind}-${this.#ids}`;
  }
}

export function definitionOf(identity: string): typeof common {
  if ((keptSole as readonly string[]).includes(identity)) return sole;
  if ((keptSaver as readonly string[]).includes(identity)) return saver as typeof common;
  if ((keptMerger as readonly string[]).includes(identity)) return merger as typeof common;
  // A child of a tree is named after it.
  if (identity.includes("/")) return worker;
  return (keptRare as readonly string[]).includes(identity) ? rare : common;
}

/** Whether at most one instance of it may have effect. */
export function isStrong(identity: string): boolean {
  return definitionOf(identity) === sole;
}

/** Whether it may run only where a quorum is. */
export function isGuarded(identity: string): boolean {
  return (keptGuarded as readonly string[]).includes(identity);
}

/** Whether a node defines what runs under the identity. */
export function mayRunOn({ definesRare }: ProcessNode, identity: string): boolean {
  return definesRare || definitionOf(identity) !== rare;
}
