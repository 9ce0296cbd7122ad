/** Run: the two phases of one simulated run, and what is judged in each. */
import { isFoundationError } from "@foundation/core";
import type { TopologyName } from "@foundation/overlay";
import { lanConditions, type Simulator } from "@foundation/testkit";
import { ChannelBook } from "./channel-book.js";
import { ChannelTraffic } from "./channel-traffic.js";
import { StreamBook } from "./stream-book.js";
import * as checks from "./checks.js";
import { DiskBook } from "./disk-book.js";
import { graphFlaws } from "./graph-flaws.js";
import { IdentityBook } from "./identity-book.js";
import { newJournal } from "./journal.js";
import { MapBook } from "./map-book.js";
import { Nemesis } from "./nemesis.js";
import type { PlayOptions } from "./play-seed.js";
import { failureOf, type Failure } from "./report.js";
import { leftBehind, pulseOf, restless } from "./rest.js";
import type { RunWorld } from "./run-world.js";
import { StackNode } from "./stack-node.js";
import type { Plan } from "./strike.js";
import type { Swarm } from "./swarm.js";
import { identities, Workload } from "./workload.js";

/** Bounds of the second phase, in virtual time. */
const within = {
  directories: "60s",
  registries: "60s",
  map: "120s",
  quiet: "15s",
  channels: "30s",
  linksMs: 30_000,
  rest: "20s",
  leave: "40s",
} as const;
const FIXED_PORT = 7_000;
/** The topology that one is exchanged for. */
const afterSwitch: Readonly<Record<TopologyName, TopologyName>> = {
  "full-mesh": "hyparview",
  hyparview: "client-server",
  "client-server": "full-mesh",
};
/** While faults rage the books are balanced so often. */
const SLICE_MS = 2_000;

export interface RunOptions extends PlayOptions {
  readonly swarm: Swarm;
  readonly plan: Plan;
  readonly names: readonly string[];
}

class Violation extends Error {
  constructor(
    readonly check: string,
    what: string,
  ) {
    super(what);
  }
}

export class Run {
  readonly workload: Workload;
  readonly nemesis: Nemesis;
  readonly disks = new DiskBook();
  readonly maps = new MapBook();
  readonly channels: ChannelBook;
  readonly streams = new StreamBook();
  readonly traffic: ChannelTraffic;
  readonly #identities = new IdentityBook();
  readonly #journal;
  #duringFaults = true;

  constructor(
    readonly sim: Simulator<StackNode>,
    readonly options: RunOptions,
  ) {
    const { seed, swarm } = options;
    const { workEveryMs: everyMs, heavyChance } = swarm;
    this.#journal = newJournal(() => sim.clock.now());
    this.workload = new Workload(sim, { seed, everyMs, heavyChance });
    this.channels = new ChannelBook(() => sim.clock.now());
    this.traffic = new ChannelTraffic(sim, this.channels, this.streams, {
      seed,
      everyMs: swarm.channelEveryMs,
    });
    this.nemesis = new Nemesis(sim, swarm, this.disks);
  }

  async play(): Promise<Failure | undefined> {
    try {
      await this.#rage();
      this.#duringFaults = false;
      if (this.options.faultsOnly === true) return undefined;
      await this.#agree();
      await this.#serve();
      await this.#rest();
      await this.#part();
      await this.#leave();
      return undefined;
    } catch (error) {
      const isViolation = error instanceof Violation;
      const check = isViolation ? error.check : `error ${codeOf(error)}`;
      const what = isViolation ? error.message : textOf(error);
      return failureOf(this.sim, {
        check,
        what: this.#identities.named(what),
        duringFaults: this.#duringFaults,
      });
    }
  }

  async #rage(): Promise<void> {
    const { sim, options } = this;
    const { forMs, workMs = forMs } = options;
    const world = this.#world();
    for (const name of options.names) sim.addNode(name, (host) => StackNode.start(host, world));
    await sim.run("2s");
    this.#work();
    if (workMs < forMs) sim.at(workMs, () => this.#stopWork());
    this.nemesis.start(options.plan);
    const untilMs = sim.clock.now() + forMs;
    while (sim.clock.now() < untilMs) {
      await sim.run(Math.min(SLICE_MS, untilMs - sim.clock.now()));
      this.#mustBeSafe("while faults rage");
    }
    this.nemesis.stop();
    this.#stopWork();
  }

  #work(): void {
    this.workload.start();
    this.traffic.start();
  }

  #stopWork(): void {
    this.workload.stop();
    this.traffic.stop();
  }

  #world(): RunWorld {
    const { sim, disks, maps, channels, streams, nemesis } = this;
    const { byHand, fixedPorts, topology } = this.options.swarm;
    return {
      byHand,
      topology,
      port: fixedPorts ? FIXED_PORT : 0,
      disks,
      identities: this.#identities,
      maps,
      channels,
      streams,
      now: () => sim.clock.now(),
      note: sim.note.bind(sim),
      refused: ({ name, boot }, error) => {
        sim.note("refused", error.message, name);
        nemesis.refused(name, boot, /damaged/.test(error.message));
      },
    };
  }

  async #agree(): Promise<void> {
    const { sim } = this;
    sim.heal(lanConditions);
    for (const { name, state, app } of sim.nodes) {
      if (state === "down" || app?.isLeaving || app?.isDraining) sim.restart(name);
    }
    if (!(await sim.until(() => checks.directoriesAgree(sim), within.directories))) {
      const what = `they do not agree ${within.directories} after the heal`;
      throw new Violation("directories", `${what}\n${checks.views(sim, "members")}`);
    }
    if (!(await sim.until(() => checks.registriesAgree(sim), within.registries))) {
      const what = `they do not agree ${within.registries} after the directories`;
      throw new Violation("registries", `${what}\n${checks.views(sim, "registryView")}`);
    }
    const differences = () => checks.mapDifferences(sim, this.maps);
    if (!(await sim.until(() => differences().length === 0, within.map))) {
      this.#mustBeEmpty("map", `it has not converged ${within.map} after that`, differences());
    }
  }

  async #serve(): Promise<void> {
    const { sim, workload } = this;
    await sim.run(within.quiet);
    this.#mustBeEmpty("lost names", "names that were started and are gone", this.#lost());
    for (const name of identities) {
      const starting = sim.nodes[0]?.within((node) => workload.ensure(node, name));
      await sim.settle(Promise.resolve(starting), { within: "10s" });
    }
    await sim.run(within.quiet);
    if (!checks.registriesAgree(sim)) {
      throw new Violation("registries", `they fell out\n${checks.views(sim, "registryView")}`);
    }
    // What a half-open connection swallows is known only after something was sent on it: once.
    this.#everybodyWorks();
    await sim.run("6s");
    const serving = await checks.oneInstanceEach(sim);
    this.#mustBeEmpty("one instance", "after heal and quiet", serving.wrong);
    const owners = new Set(sim.nodes.flatMap(({ app }) => (app ? [app.key] : [])));
    const untold = workload.monitors.untold(owners, serving.instances, this.#journal);
    this.#mustBeEmpty("monitors", "after heal and quiet", untold);
    const before = workload.outcomes.length;
    const ids = this.#everybodyWorks();
    await sim.run("6s");
    this.#mustHaveServed("calls after the heal", before);
    const missed = sim.nodes.flatMap(({ name, app }) =>
      ids.filter((id) => !app?.has(id)).map((id) => `${name} did not get ${id}`),
    );
    this.#mustBeEmpty("messages after the heal", "not every subscriber got all", missed);
    await this.#deliver();
    await this.#linked();
    await this.#switch();
    this.#mustBeSafe("at the end");
    this.#mustBeEmpty("map", "at the end", checks.mapDifferences(sim, this.maps));
  }

  /** What was promised on channels arrives, and whoever sent was told of it. */
  async #deliver(): Promise<void> {
    const { sim, channels, streams } = this;
    const alive = new Set(sim.nodes.flatMap(({ app }) => (app ? [app.key] : [])));
    const open = () => [
      ...channels.missing(alive),
      ...channels.unsettled(alive),
      ...streams.open(alive),
    ];
    if (await sim.until(() => open().length === 0, within.channels)) return;
    this.#mustBeEmpty("channels", `${within.channels} after the heal`, open());
  }

  /**
   * Links are as the topology promises, which is the same for all, and the one asked for.
   *
   * @returns that topology
   */
  async #linked(asked?: TopologyName): Promise<TopologyName | undefined> {
    const { sim } = this;
    const untilMs = sim.clock.now() + within.linksMs;
    for (;;) {
      const told = sim.nodes.map((node) => node.within((own) => own.vertex()));
      const all = await sim.settle(Promise.all(told));
      const vertices = all.filter((vertex) => vertex !== undefined);
      const flaws = graphFlaws(vertices, asked);
      if (flaws.length === 0) return vertices[0]?.topology;
      if (sim.clock.now() >= untilMs) {
        this.#mustBeEmpty("links", `${within.linksMs} ms after the heal`, flaws);
      }
      await sim.run("1s");
    }
  }

  /** After all those in the middle of faults, one more switch by hand, and everybody follows. */
  async #switch(): Promise<void> {
    if (!this.options.swarm.faults.includes("switch")) return;
    const current = await this.#linked();
    const to = afterSwitch[current ?? "client-server"];
    this.sim.nodes[0]?.within((own) => own.switchTopology(to));
    await this.#linked(to);
  }

  /** Every node calls every name and publishes once; gives the ids of the messages. */
  #everybodyWorks(): readonly string[] {
    const { sim, workload } = this;
    this.traffic.everybodySends();
    return sim.nodes.map((node) =>
      node.within((own) => {
        this.#callEach(own);
        return workload.publish(own);
      }),
    );
  }

  /** Nothing is asked of it any more: it must be quiet, and stay as large as it is. */
  async #rest(): Promise<void> {
    const { sim } = this;
    await sim.run("5s");
    const before = pulseOf(sim);
    await sim.run(within.rest);
    this.#mustBeEmpty("rest", "with nothing to do", restless(before, pulseOf(sim)));
  }

  /** One leaves in order, alone: the others are told so, and go on serving. */
  async #part(): Promise<void> {
    const { sim, workload } = this;
    const [first, ...others] = sim.nodes;
    if (first?.app === undefined || others.length === 0) return;
    const { key } = first.app;
    await sim.settle(first.within((own) => own.leave()) ?? Promise.resolve(), {
      within: within.leave,
    });
    await sim.run("5s");
    const untold = others.filter(({ app }) => app?.told.hasLeft(key) !== true);
    this.#mustBeEmpty(
      "farewell",
      `${first.name} has left`,
      untold.map(({ name }) => `${name} was not told`),
    );
    const everybodyCalls = async () => {
      for (const node of others) node.within((own) => this.#callEach(own));
      await sim.run("6s");
    };
    // What the first one owned is now behind other channels, and one of those may be half-open: see above.
    await everybodyCalls();
    const before = workload.outcomes.length;
    await everybodyCalls();
    this.#mustHaveServed("calls after a farewell", before);
  }

  #callEach(node: StackNode): void {
    for (const name of identities) this.workload.call(node, name, { timeout: 5_000 });
  }

  /** Every call that ended since there were `before` outcomes has ended well. */
  #mustHaveServed(check: string, before: number): void {
    const failed = this.workload.outcomes.slice(before).filter(({ code }) => code !== "ok");
    this.#mustBeEmpty(
      check,
      "not every node is served",
      failed.map(({ id, code, message, what }) => `${id} ended ${code}: ${message} (${what})`),
    );
  }

  async #leave(): Promise<void> {
    const { sim } = this;
    const leaving = sim.nodes.map((node) => node.within((own) => own.leave()));
    await sim.settle(Promise.all(leaving), { within: within.leave });
    await sim.run("10s");
    this.#mustBeEmpty("leaks", "left behind after leaving", leftBehind(sim));
  }

  /** Without a node that died, no name that was started may be gone. */
  #lost(): readonly string[] {
    if (this.nemesis.killed) return [];
    const cluster = this.sim.nodes[0]?.app?.cluster;
    // One that crashed too often is given up, and may be any of them.
    if (cluster === undefined || cluster.info().processes.failed > 0) return [];
    return [...this.workload.started].filter((name) => cluster.registry.lookup(name) === undefined);
  }

  /** What may not be untrue at any time. */
  #mustBeSafe(when: string): void {
    const { sim, workload } = this;
    this.#mustBeEmpty("calls", when, checks.balanceBooks(workload, this.#journal));
    this.#mustBeEmpty("order of casts", when, this.#journal.disorder);
    this.#mustBeEmpty("deliveries", when, checks.seenWrong(sim, workload));
    this.#mustBeEmpty("channels", when, this.channels.violations);
    this.#mustBeEmpty("channels", when, this.traffic.violations);
    this.#mustBeEmpty("streams", when, this.streams.violations);
    this.#mustBeEmpty("order of channels", when, this.channels.gaps());
    this.#mustBeEmpty("monitors", when, workload.monitors.violations);
    this.#mustBeEmpty("order of ends", when, workload.monitors.disorder(this.#journal));
    this.#mustBeEmpty("map", when, this.maps.violations);
    this.#mustBeEmpty("disks", when, this.disks.violations);
    this.#mustBeEmpty("identities", when, this.#identities.violations);
    this.#mustBeEmpty("also", when, this.options.also?.(sim) ?? []);
  }

  #mustBeEmpty(check: string, what: string, wrong: readonly string[]): void {
    if (wrong.length === 0) return;
    throw new Violation(check, `${what}:\n  ${wrong.slice(0, 10).join("\n  ")}`);
  }
}

function codeOf(error: unknown): string {
  if (isFoundationError(error)) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  return `${error.stack}${cause}`;
}
