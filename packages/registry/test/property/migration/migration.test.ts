/**
 * Moves among nodes made of nothing but the pure cores of migration and takeover: messages are late or lost, nodes
 * die, cut each other off and give up at any moment. No call runs twice, none is answered that did not run, no
 * version has two copies that run, a committed state is not lost, and in the end one instance runs.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { rendezvous } from "@foundation/core";
import {
  compareVersions,
  sameOwner,
  startSpec,
  versionOf,
  type ChildSpec,
  type Owner,
} from "../../../src/protocol/child-spec.js";
import {
  movedVersion,
  passiveCopy,
  stepSource,
  stepTarget,
  type PassiveCopy,
  type SourceEvent,
  type SourceState,
  type TargetEvent,
} from "../../../src/protocol/migration.js";
import { decide } from "../../../src/protocol/takeover.js";
import { isIn, member, owner } from "../../unit/protocol/cast.js";

const NODES = 4;
const TIMES = { commitWithinMs: 20, holdMs: 60, handOverMs: 5 };
const placement = rendezvous();

/** Calls that a state has seen are the state. */
type Log = readonly number[];

interface Instance {
  readonly spec: ChildSpec;
  log: Log;
  mailbox: number[];
  frozen: boolean;
}

interface Source {
  state: SourceState;
  readonly target: number;
  readonly attempt: number;
}

type Message =
  | {
      readonly type: "offer";
      readonly spec: ChildSpec;
      readonly attempt: number;
      readonly log: Log;
    }
  | { readonly type: "accepted" | "refused" | "withdraw"; readonly attempt: number }
  | { readonly type: "call"; readonly id: number }
  | { readonly type: "handed-over"; readonly spec: ChildSpec };

interface Node {
  readonly number: number;
  boot: number;
  spec: ChildSpec | undefined;
  instance: Instance | undefined;
  source: Source | undefined;
  copy: { state: PassiveCopy; readonly spec: ChildSpec; log: Log; mailbox: number[] } | undefined;
  attempts: number;
  /** The latest attempt it has seen of each node. */
  readonly seen: Map<number, number>;
  readonly believes: Set<number>;
}

class World {
  readonly nodes: Node[] = [];
  readonly links = new Map<string, Message[]>();
  readonly ran = new Map<number, number>();
  readonly outcomes = new Map<number, "ok" | "not-run" | "unknown">();
  /** What was committed, by version, until its only copy was given up by time. */
  readonly committed = new Map<string, Log>();
  nowMs = 0;
  calls = 0;
  moves = 0;

  constructor() {
    for (let number = 0; number < NODES; number++) {
      this.nodes.push({
        ...{ number, boot: 1, spec: undefined, instance: undefined, source: undefined },
        ...{ copy: undefined, attempts: 0, seen: new Map() },
        believes: new Set(Array.from({ length: NODES }, (_, other) => other)),
      });
    }
    const first = this.at(0);
    const request = { identity: "a", definition: "d", args: 0, restart: "permanent" } as const;
    const asked = { ...request, on: undefined, meta: 0, rules: undefined };
    const spec = startSpec(asked, this.self(first), undefined);
    first.instance = { spec, log: [], mailbox: [], frozen: false };
    for (const node of this.nodes) node.spec = spec;
  }

  at(number: number): Node {
    return this.nodes[number] as Node;
  }

  self({ number, boot }: Node): Owner {
    return owner(number, boot);
  }

  send(from: Node, to: number, message: Message): void {
    const key = `${from.number}-${to}`;
    this.links.set(key, [...(this.links.get(key) ?? []), message]);
  }

  merge(node: Node, spec: ChildSpec): void {
    if (node.spec === undefined || compareVersions(spec, node.spec) > 0) node.spec = spec;
    this.tellCopy(node, { type: "spec", version: versionOf(node.spec), nowMs: this.nowMs });
  }

  move(node: Node, target: number): void {
    const { instance, spec } = node;
    if (node.source !== undefined || instance === undefined || target === node.number) return;
    if (spec === undefined || compareVersions(instance.spec, spec) !== 0) return;
    node.source = { state: { phase: "freezing" }, target, attempt: ++node.attempts };
  }

  source(node: Node, event: SourceEvent): void {
    const { source, instance } = node;
    if (source === undefined) return;
    const { state, effects } = stepSource(source.state, event, TIMES);
    source.state = state;
    const { target, attempt } = source;
    for (const effect of effects) {
      switch (effect) {
        case "offer":
          if (instance === undefined) break;
          instance.frozen = true;
          this.send(node, target, {
            ...{ type: "offer", spec: instance.spec, attempt, log: instance.log },
          });
          break;
        case "withdraw":
          this.send(node, target, { type: "withdraw", attempt });
          break;
        case "thaw":
          if (instance !== undefined) instance.frozen = false;
          break;
        case "commit":
          this.commit(node, source);
          break;
        case "hand-over":
          this.handOver(node, source);
          break;
        case "end":
          throw new Error("this commit is never unknown");
        default:
          effect satisfies never;
      }
    }
    if (node.source?.state.phase === "ended") node.source = undefined;
  }

  commit(node: Node, { target }: Source): void {
    const { spec, log } = node.instance as Instance;
    const version = movedVersion(versionOf(spec), this.self(this.at(target)));
    this.committed.set(JSON.stringify(version), log);
    this.moves += 1;
    this.merge(node, { ...spec, ...version });
    this.source(node, { type: "committed" });
  }

  handOver(node: Node, { target }: Source): void {
    const { mailbox } = node.instance as Instance;
    node.instance = undefined;
    for (const id of mailbox) this.send(node, target, { type: "call", id });
    this.send(node, target, { type: "handed-over", spec: node.spec as ChildSpec });
    this.source(node, { type: "begun" });
  }

  tellCopy(node: Node, event: TargetEvent): void {
    const { copy } = node;
    if (copy === undefined) return;
    copy.state = stepTarget(copy.state, event, TIMES);
    const { base, target, phase } = copy.state;
    const version = movedVersion(base, target);
    if (phase === "begun") {
      node.copy = undefined;
      const spec = { ...copy.spec, ...version };
      if (node.spec === undefined || compareVersions(spec, node.spec) > 0) node.spec = spec;
      expect(node.instance).toBeUndefined();
      node.instance = { spec, log: copy.log, mailbox: copy.mailbox, frozen: false };
    } else if (phase === "dropped") {
      node.copy = undefined;
      for (const id of copy.mailbox) this.outcomes.set(id, "not-run");
      if (event.type === "time") this.committed.delete(JSON.stringify(version));
    }
  }

  receive(to: Node, from: number, message: Message): void {
    switch (message.type) {
      case "offer":
        return this.offered(to, from, message);
      case "accepted": {
        if (to.source?.attempt !== message.attempt) return;
        const { instance, spec } = to;
        const isCurrent =
          instance !== undefined &&
          spec !== undefined &&
          compareVersions(instance.spec, spec) === 0;
        return this.source(to, { type: "accepted", nowMs: this.nowMs, isCurrent });
      }
      case "refused":
        if (to.source?.attempt === message.attempt) this.source(to, { type: "failed" });
        return;
      case "withdraw":
        if (to.copy?.state.attempt === message.attempt) this.tellCopy(to, { type: "withdrawn" });
        return;
      case "call":
        return this.call(to, message.id);
      case "handed-over":
        this.tellCopy(to, { type: "handed-over", version: versionOf(message.spec) });
        return this.merge(to, message.spec);
      default:
        return message satisfies never;
    }
  }

  offered(to: Node, from: number, offer: Message & { type: "offer" }): void {
    const { spec, attempt, log } = offer;
    const isKnown = to.spec !== undefined && compareVersions(to.spec, spec) > 0;
    const isOld = attempt <= (to.seen.get(from) ?? 0);
    const { phase, base } = to.copy?.state ?? {};
    const isOther = base !== undefined && !sameOwner(base.owner, spec.owner);
    if (to.instance !== undefined || isKnown || isOld || phase === "committed" || isOther) {
      return this.send(to, from, { type: "refused", attempt });
    }
    to.seen.set(from, attempt);
    this.merge(to, spec);
    const state = passiveCopy(versionOf(spec), this.self(to), attempt, this.nowMs, TIMES);
    to.copy = { state, spec, log, mailbox: [] };
    this.send(to, from, { type: "accepted", attempt });
  }

  call(node: Node, id: number): void {
    const mailbox = node.instance?.mailbox ?? node.copy?.mailbox;
    if (mailbox === undefined) this.outcomes.set(id, "not-run");
    else mailbox.push(id);
  }

  run({ instance }: Node): void {
    if (instance === undefined || instance.frozen) return;
    const id = instance.mailbox.shift();
    if (id === undefined) return;
    this.ran.set(id, (this.ran.get(id) ?? 0) + 1);
    instance.log = [...instance.log, id];
    this.outcomes.set(id, "ok");
  }

  /** Carries out what the node decides; false when there was nothing to do. */
  step(node: Node): boolean {
    const members = [...node.believes].map((number) =>
      member(number, { bootNumber: this.at(number).boot }),
    );
    const decision = decide(node.spec, node.instance?.spec, {
      ...{ self: this.self(node), members, isMember: isIn(members), defines: () => true },
      place: (key, candidates) => placement.place(key, candidates),
    });
    switch (decision?.type) {
      case undefined:
        return false;
      case "end":
        for (const id of node.instance?.mailbox ?? []) this.outcomes.set(id, "not-run");
        node.instance = undefined;
        if (node.source !== undefined) this.source(node, { type: "failed" });
        return true;
      case "write":
        this.merge(node, decision.spec);
        return true;
      case "start":
      case "take-over":
        if (node.copy !== undefined && decision.type === "start") return false;
        if (decision.type === "take-over") {
          this.tellCopy(node, { type: "inherit", version: versionOf(node.spec as ChildSpec) });
        }
        if (node.instance !== undefined) return true;
        this.merge(node, decision.spec);
        node.instance = { spec: decision.spec, log: [], mailbox: [], frozen: false };
        return true;
      case "claim":
        throw new Error("this child is not strong");
      default:
        return decision satisfies never;
    }
  }

  reboot(node: Node): void {
    for (const id of [...(node.instance?.mailbox ?? []), ...(node.copy?.mailbox ?? [])]) {
      this.outcomes.set(id, "unknown");
    }
    Object.assign(node, { instance: undefined, source: undefined, copy: undefined });
    Object.assign(node, { spec: undefined, boot: node.boot + 1, attempts: 0 });
    for (const key of this.links.keys()) {
      if (key.includes(String(node.number))) this.lose(key);
    }
    for (const other of this.nodes) {
      other.seen.delete(node.number);
      this.lookAtSource(other);
    }
  }

  lose(key: string): void {
    for (const message of this.links.get(key) ?? []) {
      if (message.type === "call") this.outcomes.set(message.id, "unknown");
    }
    this.links.delete(key);
  }

  lookAtSource(node: Node): void {
    const base = node.copy?.spec.owner;
    if (base === undefined) return;
    const isMember = [...node.believes].some((number) =>
      sameOwner(this.self(this.at(number)), base),
    );
    if (!isMember) this.tellCopy(node, { type: "source-gone" });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const node of this.nodes) this.tellCopy(node, { type: "time", nowMs: this.nowMs });
  }

  /** Without `expect`, which costs more than all the rest: it is asked after every event. */
  check(): void {
    const seen = new Set<string>();
    for (const { instance } of this.nodes) {
      if (instance === undefined || instance.frozen) continue;
      const version = JSON.stringify(versionOf(instance.spec));
      if (seen.has(version)) throw new Error(`two copies of ${version} run`);
      seen.add(version);
      const state = this.committed.get(version) ?? [];
      const isKept = state.every((id, index) => instance.log[index] === id);
      if (!isKept) throw new Error(`${version} has lost ${state.join()}: ${instance.log.join()}`);
    }
    for (const [id, times] of this.ran) if (times > 1) throw new Error(`${id} ran ${times} times`);
    for (const [id, outcome] of this.outcomes) {
      const isRight = outcome === "unknown" || this.ran.has(id) === (outcome === "ok");
      if (!isRight) throw new Error(`${id} is said to be ${outcome}, and is not`);
    }
  }

  settle(): void {
    for (const node of this.nodes) {
      for (let other = 0; other < NODES; other++) node.believes.add(other);
    }
    for (let round = 0; round < 100; round++) {
      let busy = false;
      for (const [key, messages] of [...this.links]) {
        this.links.delete(key);
        const [from, to] = key.split("-").map(Number) as [number, number];
        for (const message of messages) this.receive(this.at(to), from, message);
        busy ||= messages.length > 0;
      }
      for (const node of this.nodes) {
        if (node.source !== undefined) this.source(node, { type: "failed" });
        this.lookAtSource(node);
        for (const { spec } of this.nodes) if (spec !== undefined) this.merge(node, spec);
        busy = this.step(node) || busy || node.copy !== undefined;
        while ((node.instance?.mailbox.length ?? 0) > 0) this.run(node);
      }
      this.pass(10);
      this.check();
      if (!busy) return;
    }
    throw new Error("the cluster never comes to rest");
  }
}

const number = fc.integer({ min: 0, max: NODES - 1 });
const of = <T extends string>(...types: T[]) => fc.constantFrom(...types);
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: of("move", "call", "run"), node: number, to: number }),
  },
  { weight: 4, arbitrary: fc.record({ type: of("freeze", "step"), node: number, to: number }) },
  { weight: 8, arbitrary: fc.record({ type: of("deliver", "gossip"), node: number, to: number }) },
  { weight: 2, arbitrary: fc.record({ type: of("lose", "give-up"), node: number, to: number }) },
  { weight: 2, arbitrary: fc.record({ type: of("believe", "doubt"), node: number, to: number }) },
  { weight: 1, arbitrary: fc.record({ type: of("reboot", "pass"), node: number, to: number }) },
);

function play(world: World, { type, node: place, to }: { type: string; node: number; to: number }) {
  // Most of what happens, happens where the process is: else hardly a move would come about.
  const owning = world.nodes.find(({ instance }) => instance !== undefined) ?? world.at(place);
  const node = world.at(place);
  const key = `${place}-${to}`;
  switch (type) {
    case "move":
      world.move(owning, to);
      return world.source(owning, { type: "frozen", nowMs: world.nowMs });
    case "freeze":
      return world.source(node, { type: "frozen", nowMs: world.nowMs });
    case "call":
      return world.call(place % 2 === 0 ? owning : node, ++world.calls);
    case "run":
      return world.run(owning);
    case "step":
      return void world.step(node);
    case "deliver": {
      const waiting = [...world.links].filter(([, messages]) => messages.length > 0);
      const [link, messages] = waiting[(place * NODES + to) % Math.max(1, waiting.length)] ?? [];
      const message = messages?.shift();
      if (message === undefined || link === undefined) return;
      const [from, target] = link.split("-").map(Number) as [number, number];
      return world.receive(world.at(target), from, message);
    }
    case "gossip":
      if (node.spec !== undefined) world.merge(world.at(to), node.spec);
      return;
    case "lose":
      return world.lose(key);
    case "give-up":
      return world.source(owning, { type: "failed" });
    case "believe":
      node.believes.add(to);
      return;
    case "doubt":
      if (to !== place) node.believes.delete(to);
      return world.lookAtSource(node);
    case "reboot":
      // One stays, and remembers that the child exists.
      return place === NODES - 1 ? undefined : world.reboot(node);
    default:
      return world.pass(1 + ((place * NODES + to) % 15));
  }
}

const RUNS = Number(process.env.MIGRATION_RUNS ?? 1_000);

describe("moves whose messages are late or lost, between nodes that die and are cut off", () => {
  test("run no call twice, answer none that did not run, and lose no committed state", () => {
    let moves = 0;
    fc.assert(
      fc.property(fc.array(event, { minLength: 20, maxLength: 70, size: "max" }), (events) => {
        const world = new World();
        for (const each of events) {
          play(world, each);
          world.check();
        }
        world.settle();
        moves += world.moves;
        const running = world.nodes.filter(({ instance }) => instance !== undefined);
        expect(running).toHaveLength(1);
        for (const { copy, source } of world.nodes)
          expect([copy, source]).toEqual([undefined, undefined]);
      }),
      { numRuns: RUNS },
    );
    // A test of moves in which nothing moves says nothing.
    expect(moves).toBeGreaterThan(RUNS / 4);
  });
});
