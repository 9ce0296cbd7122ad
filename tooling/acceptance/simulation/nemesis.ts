/** Nemesis: does to a simulated cluster what its swarm allows, at times its seed decides, until it is stopped. */
import type { Simulator } from "@foundation/testkit";
import type { StackNode } from "./stack-node.js";
import { pick, type FaultName, type Swarm } from "./swarm.js";

const HOUR_MS = 3_600_000;

export class Nemesis {
  readonly #sim: Simulator<StackNode>;
  readonly #swarm: Swarm;
  #stopped = false;
  /** What was done, by name. */
  readonly done = new Map<FaultName, number>();

  constructor(sim: Simulator<StackNode>, swarm: Swarm) {
    this.#sim = sim;
    this.#swarm = swarm;
  }

  start(): void {
    const { random } = this.#sim;
    const delayMs = -Math.log(1 - random.next()) * this.#swarm.faultEveryMs;
    this.#sim.at(delayMs, () => {
      if (this.#stopped) return;
      this.#strike(pick(random, this.#swarm.faults));
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** True when a node lost its memory: what only it knew may be gone. */
  get killed(): boolean {
    return ["crash", "power", "leave"].some((name) => this.done.has(name as FaultName));
  }

  #strike(fault: FaultName): void {
    const sim = this.#sim;
    const { random } = sim;
    const names = sim.nodes.map(({ name }) => name);
    const a = pick(random, names);
    const b = pick(
      random,
      names.filter((name) => name !== a),
    );
    this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
    switch (fault) {
      case "partition":
        return this.#split(names, false);
      case "one-way":
        return random.next() < 0.5
          ? this.#split(names, true)
          : sim.partition([a], [b], { oneWay: true });
      case "isolate":
        return sim.partition(
          [a],
          names.filter((name) => name !== a),
        );
      case "heal":
        return sim.heal(this.#swarm.conditions);
      case "reset":
        return sim.reset(a, b);
      case "half-open":
        return sim.reset(a, b, { half: true });
      case "crash":
      case "power":
        return this.#crash(a, fault === "power" ? "power" : "process");
      case "leave":
        return this.#leave(a);
      case "pause":
        return this.#pause(a);
      case "skew":
        return sim.skewWall(a, Math.round((random.next() * 2 - 1) * HOUR_MS));
      case "clog":
        return this.#clog(a, b);
      case "discovery":
        return sim.discoveryOut(random.next() < 0.5);
      default:
        fault satisfies never;
    }
  }

  #split(names: readonly string[], oneWay: boolean): void {
    const { random } = this.#sim;
    const left = names.filter(() => random.next() < 0.5);
    const right = names.filter((name) => !left.includes(name));
    if (left.length > 0 && right.length > 0) this.#sim.partition(left, right, { oneWay });
  }

  #clog(a: string, b: string): void {
    const { random } = this.#sim;
    const slow = {
      latencyMs: random.next() * 3_000,
      jitterMs: random.next() * 500,
      spikeChance: 0.1,
      spikeMs: 2_000,
      bytesPerMs: 1 + random.next() * 200,
    };
    this.#sim.link(a, b, slow);
    if (random.next() < 0.5) this.#sim.link(b, a, slow);
  }

  #pause(name: string): void {
    const { random } = this.#sim;
    this.#sim.pause(name);
    this.#sim.at(50 + random.next() * this.#swarm.pauseMsMax, () => this.#sim.resume(name));
  }

  #crash(name: string, kind: "process" | "power"): void {
    if (!this.#mayLose(name)) return;
    this.#sim.crash(name, { kind });
    this.#restartLater(name);
  }

  /** An orderly end, and then the process is gone, as after SIGTERM. */
  #leave(name: string): void {
    const node = this.#sim.node(name);
    if (!this.#mayLose(name) || node.app === undefined || node.app.isLeaving) return;
    this.#sim.note("leave", "", name);
    const boot = node.boots;
    const gone = () => {
      if (node.boots !== boot || node.state === "down") return;
      this.#sim.crash(name);
      this.#restartLater(name);
    };
    node.within((app) => {
      void app.leave().then(() => this.#sim.at(0, gone));
    });
    this.#sim.at(20_000, gone);
  }

  /** One node at least stays, so that there is something to come back to. */
  #mayLose(name: string): boolean {
    const others = this.#sim.nodes.filter((node) => node.name !== name && node.state !== "down");
    return this.#sim.node(name).state !== "down" && others.length > 0;
  }

  #restartLater(name: string): void {
    const { random } = this.#sim;
    const disk = random.next() < this.#swarm.wipeChance ? "wiped" : "kept";
    this.#sim.at(10 + random.next() * this.#swarm.downMsMax, () => {
      if (this.#sim.node(name).state === "down") this.#sim.restart(name, { disk });
    });
  }
}
