/**
 * A cluster made of nothing but the pure core: each node has its own specs, members and instances;
 * specs travel in any order, late, repeated or never until the end. Whatever happened, once every
 * node knows the same and nothing is left to decide, each child runs once, on a living owner.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { rendezvous, type Member } from "@foundation/core";
import {
  compareVersions,
  startSpec,
  stoppedSpec,
  type ChildSpec,
  type Owner,
} from "../../src/protocol/child-spec.js";
import { decide } from "../../src/protocol/takeover.js";
import { isIn, member, owner } from "../unit/protocol/cast.js";

const NODES = 5;
const IDENTITIES = ["a", "b", "c"];
const placement = rendezvous();

interface Node {
  readonly number: number;
  boot: number;
  readonly specs: Map<string, ChildSpec>;
  readonly running: Map<string, ChildSpec>;
  /** Whom it believes to be a member. */
  readonly believes: Set<number>;
}

class World {
  readonly nodes: Node[] = [];
  readonly stopped = new Set<string>();
  readonly started = new Set<string>();

  constructor() {
    for (let number = 0; number < NODES; number++) {
      const believes = new Set(Array.from({ length: NODES }, (_, other) => other));
      this.nodes.push({ number, boot: 1, specs: new Map(), running: new Map(), believes });
    }
  }

  self({ number, boot }: Node): Owner {
    return owner(number, boot);
  }

  members(node: Node): readonly Member[] {
    return [...node.believes]
      .sort((a, b) => a - b)
      .map((number) => member(number, { bootNumber: this.nodes[number]?.boot ?? 1 }));
  }

  merge(node: Node, spec: ChildSpec): void {
    const known = node.specs.get(spec.identity);
    if (known === undefined || compareVersions(spec, known) > 0)
      node.specs.set(spec.identity, spec);
  }

  start(node: Node, identity: string): void {
    if (node.specs.get(identity)?.state === "running" || node.running.has(identity)) return;
    const spec = startSpec(
      { identity, definition: "d", args: 0, restart: "permanent", on: undefined, meta: 0 },
      this.self(node),
      node.specs.get(identity),
    );
    this.merge(node, spec);
    node.running.set(identity, spec);
    this.started.add(identity);
  }

  /** Carries out what the node decides about one child; false when there was nothing to do. */
  step(node: Node, identity: string): boolean {
    const decision = decide(node.specs.get(identity), node.running.get(identity), {
      self: this.self(node),
      members: this.members(node),
      isMember: isIn(this.members(node)),
      defines: () => true,
      place: (key, candidates) => placement.place(key, candidates),
    });
    switch (decision?.type) {
      case undefined:
        return false;
      case "end":
        node.running.delete(identity);
        return true;
      case "write":
        this.merge(node, decision.spec);
        return true;
      case "start":
      case "take-over":
        this.merge(node, decision.spec);
        node.running.set(identity, decision.spec);
        return true;
      case "claim":
        throw new Error("no child here is strong");
      default:
        return decision satisfies never;
    }
  }

  quiesce(): void {
    for (const node of this.nodes) {
      for (let other = 0; other < NODES; other++) node.believes.add(other);
    }
    for (let round = 0; round < 100; round++) {
      let busy = false;
      for (const from of this.nodes) {
        for (const to of this.nodes) for (const spec of from.specs.values()) this.merge(to, spec);
      }
      for (const node of this.nodes) {
        for (const identity of IDENTITIES) busy = this.step(node, identity) || busy;
      }
      if (!busy) return;
    }
    throw new Error("the cluster never comes to rest");
  }
}

type Event =
  | { readonly type: "start" | "stop"; readonly node: number; readonly identity: string }
  | {
      readonly type: "deliver";
      readonly from: number;
      readonly to: number;
      readonly identity: string;
    }
  | { readonly type: "believe" | "doubt"; readonly node: number; readonly of: number }
  | { readonly type: "step"; readonly node: number; readonly identity: string }
  | { readonly type: "reboot"; readonly node: number };

const nodeNumber = fc.integer({ min: 0, max: NODES - 1 });
const identity = fc.constantFrom(...IDENTITIES);
const event = fc.oneof(
  fc.record({ type: fc.constant("start" as const), node: nodeNumber, identity }),
  fc.record({ type: fc.constant("step" as const), node: nodeNumber, identity }),
  fc.record({ type: fc.constant("deliver" as const), from: nodeNumber, to: nodeNumber, identity }),
  fc.record({ type: fc.constantFrom("believe", "doubt"), node: nodeNumber, of: nodeNumber }),
  fc.record({ type: fc.constant("reboot" as const), node: nodeNumber }),
) as fc.Arbitrary<Event>;
const stopping = fc.record({ type: fc.constant("stop" as const), node: nodeNumber, identity });

function play(world: World, happened: Event): void {
  const at = (number: number) => world.nodes[number] as Node;
  switch (happened.type) {
    case "start":
      return world.start(at(happened.node), happened.identity);
    case "stop": {
      const known = at(happened.node).specs.get(happened.identity);
      if (known === undefined || known.state === "stopped") return;
      world.merge(at(happened.node), stoppedSpec(known));
      return void world.stopped.add(happened.identity);
    }
    case "deliver": {
      const spec = at(happened.from).specs.get(happened.identity);
      return spec && world.merge(at(happened.to), spec);
    }
    case "believe":
      return void at(happened.node).believes.add(happened.of);
    case "doubt":
      if (happened.node !== happened.of) at(happened.node).believes.delete(happened.of);
      return;
    case "step":
      return void world.step(at(happened.node), happened.identity);
    case "reboot": {
      const node = at(happened.node);
      // What only it knew is lost with it, unless it was told to somebody: so it tells first.
      for (const spec of node.specs.values()) {
        for (const other of world.nodes) world.merge(other, spec);
      }
      node.boot += 1;
      node.specs.clear();
      node.running.clear();
      return;
    }
    default:
      return happened satisfies never;
  }
}

function instances(world: World, wanted: string): readonly number[] {
  return world.nodes.filter(({ running }) => running.has(wanted)).map(({ number }) => number);
}

describe("the distributed supervisor's rule", () => {
  test("after any history and quiescence each child runs exactly once, where its spec says", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const world = new World();
        for (const happened of events) play(world, happened);
        world.quiesce();
        for (const wanted of world.started) {
          const [only, ...more] = instances(world, wanted);
          expect(more).toEqual([]);
          const node = world.nodes[only ?? -1];
          expect(node?.specs.get(wanted)?.owner).toEqual(node && world.self(node));
          const versions = world.nodes.map(({ specs }) => specs.get(wanted));
          for (const version of versions) expect(version).toEqual(versions[0]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("a child that was stopped after its last start runs nowhere, however it was taken over", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        stopping,
        fc.array(
          event.filter(({ type }) => type !== "start"),
          { maxLength: 40 },
        ),
        (before, stop, after) => {
          const world = new World();
          for (const happened of before) play(world, happened);
          // Two starts behind a partition are two incarnations nobody knows both of: bring them
          // together, so that the stop knows the latest.
          world.quiesce();
          play(world, stop);
          for (const happened of after) play(world, happened);
          world.quiesce();
          if (world.stopped.has(stop.identity)) expect(instances(world, stop.identity)).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
