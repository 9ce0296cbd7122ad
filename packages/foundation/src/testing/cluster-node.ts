/** ClusterNode: one node of a simulated cluster, as a test sees it. */
import { parseDuration, type Duration } from "@foundation/core";
import type { ManualSignals } from "@foundation/core/testing";
import type { SimulatedHost, SimulatedNode, Simulator } from "@foundation/testkit";
import type { Cluster } from "../cluster.js";
import { simulationLimits } from "./limits.js";
import type { Passage } from "./passage.js";

/** What runs on a node at the moment. */
export interface Running<App> {
  readonly host: SimulatedHost;
  /** What the application returned, once it has. */
  outcome?: { readonly app: App };
}

/** What code that runs as a node is given. */
export interface NodeView<App> {
  readonly app: App;
  readonly cluster: Cluster;
}

/** One node of a simulated cluster. */
export interface ClusterNode<App> {
  readonly name: string;
  /** 0 for the first one. */
  readonly index: number;
  /** "starting" until the application has returned; a program that never does stays so. */
  readonly state: "starting" | "up" | "paused" | "down";
  /** How often it was started. */
  readonly boots: number;
  /** What the application returned. @throws {Error} while the node is down or has not returned anything yet */
  readonly app: App;
  /** What the application's latest `startCluster` gave. @throws {Error} while there is none */
  readonly cluster: Cluster;
  /** Runs a function as code of this node, now; for what takes time there is `run`. */
  within<T>(fn: (node: NodeView<App>) => T): T;
  /**
   * Runs a function as code of this node and lets time pass until it is done.
   * @param options.within virtual time @default "30s"
   * @throws {ERR_TIMEOUT} it took longer, or the node went down meanwhile
   */
  run<T>(
    fn: (node: NodeView<App>) => T | Promise<T>,
    options?: { readonly within?: Duration },
  ): Promise<T>;
}

export class NodeUnderTest<App> implements ClusterNode<App> {
  readonly #sim: Simulator<Running<App>>;
  readonly #passage: Passage<Running<App>>;
  readonly #node: () => SimulatedNode<Running<App>>;

  constructor(
    readonly name: string,
    readonly index: number,
    sim: Simulator<Running<App>>,
    passage: Passage<Running<App>>,
  ) {
    this.#sim = sim;
    this.#passage = passage;
    this.#node = () => sim.node(name);
  }

  get state(): "starting" | "up" | "paused" | "down" {
    const { state, app } = this.#node();
    return state === "up" && app?.outcome === undefined ? "starting" : state;
  }

  get boots(): number {
    return this.#node().boots;
  }

  get app(): App {
    const { outcome } = this.running;
    if (outcome === undefined) {
      throw new Error(`The application of node ${this.name} has not returned anything yet`);
    }
    return outcome.app;
  }

  get cluster(): Cluster {
    const cluster = this.startedCluster;
    if (cluster === undefined) {
      throw new Error(`Node ${this.name} is in no cluster: it has not started one, or has left it`);
    }
    return cluster;
  }

  get startedCluster(): Cluster | undefined {
    // Only startCluster puts handles there.
    return [...(this.#node().app?.host.runtime.host.handles ?? [])].at(-1) as Cluster | undefined;
  }

  /** Its application has returned, or a cluster has started. */
  get isReady(): boolean {
    return this.hasReturned || this.startedCluster !== undefined;
  }

  get hasReturned(): boolean {
    return this.#node().app?.outcome !== undefined;
  }

  get running(): Running<App> {
    const running = this.#node().app;
    if (running === undefined) throw new Error(`Node ${this.name} is ${this.state}`);
    return running;
  }

  get signals(): ManualSignals {
    // The simulator's signals are those of core's testing.
    return this.running.host.runtime.signals as ManualSignals;
  }

  within<T>(fn: (node: NodeView<App>) => T): T {
    this.#passage.refuseClosed();
    const { state } = this.#node();
    if (state === "down") throw new Error(`Node ${this.name} is down: nothing can run there now`);
    return this.#node().within(() => fn(this.#view()));
  }

  run<T>(
    fn: (node: NodeView<App>) => T | Promise<T>,
    { within = simulationLimits.withinMs }: { readonly within?: Duration } = {},
  ): Promise<T> {
    const withinMs = parseDuration(within, "within");
    const { boots } = this;
    const lost = () => {
      const isGone = this.state === "down" || this.boots !== boots;
      return isGone ? `node ${this.name} went down` : undefined;
    };
    const done = new Promise<T>((resolve, reject) => {
      const { state } = this.#node();
      if (state !== "up") {
        reject(new Error(`Node ${this.name} is ${state}: nothing can run there now`));
        return;
      }
      // In an event of the world, so that what follows the first await is this node's too.
      this.#sim.at(0, () => {
        if (lost() !== undefined) return;
        const start = async () => fn(this.#view());
        this.#node().within(() => void start().then(resolve, reject));
      });
    });
    const what = `What runs on node ${this.name}`;
    return this.#passage.settle(done, { withinMs, what, lost });
  }

  /** Lazy: a function that needs only one of the two may run before the other is there. */
  #view(): NodeView<App> {
    const at = <T>(get: () => T): PropertyDescriptor => ({ get, enumerable: true });
    const view = { app: at(() => this.app), cluster: at(() => this.cluster) };
    return Object.defineProperties({}, view) as NodeView<App>;
  }
}
