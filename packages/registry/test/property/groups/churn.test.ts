/**
 * Groups under churn: processes and distributed children join, leave and end on any node, nodes die, come back and are
 * cut off. Once all is quiet, every node shows the same members, and those are exactly the ones that joined, did not
 * leave, and run; whoever followed the events of a group knows the same by them.
 */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { defineProcess, type Pid } from "@foundation/core";
import type { ClusterRef, GroupEvent, GroupMember } from "../../../src/index.js";
import { world, type World } from "../../unit/runtime/world.js";

const NODES = 3;
const GROUPS = ["red", "blue"];
const CHILDREN = ["c0", "c1"];

const inert = defineProcess({
  name: "groups.inert",
  init: (args: { readonly id: string }) => args,
  call: { ping: () => "pong" },
});

type Step =
  | {
      readonly type: "join" | "leave";
      readonly at: number;
      readonly who: number;
      readonly group: number;
    }
  | { readonly type: "end"; readonly who: number }
  | { readonly type: "crash" | "cut"; readonly node: number }
  | { readonly type: "heal" }
  | { readonly type: "wait"; readonly ms: number };

const who = fc.nat(5);
const node = fc.nat(NODES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("join" as const, "leave" as const, "join" as const),
      at: node,
      who,
      group: fc.nat(GROUPS.length - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("end" as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("crash" as const, "cut" as const), node }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("heal" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.nat(50) }) },
);

/** Plays the steps; `followed` is what each node's watchers know in the end. */
class Play {
  readonly #world: World;
  readonly #refs: ClusterRef[] = [];
  readonly followed: Map<string, GroupMember>[] = [];

  constructor(given: World) {
    this.#world = given;
  }

  async begin(): Promise<void> {
    for (const name of CHILDREN) {
      const started = this.#registry(0).startProcess(
        inert,
        { id: name },
        { name, distribute: true },
      );
      const ref = await this.#world.run(started);
      this.#refs.push(ref);
      await this.#world.run(this.#registry(0).groups.join(GROUPS[0] as string, ref));
    }
    for (let place = 0; place < NODES; place++) await this.#startAt(place);
    for (let place = 0; place < NODES; place++) this.#follow(place);
  }

  async run(play: Step): Promise<void> {
    const { cluster } = this.#world;
    switch (play.type) {
      case "join":
      case "leave": {
        const ref = this.#refs[play.who % this.#refs.length] as ClusterRef;
        const group = GROUPS[play.group] as string;
        const { groups } = this.#registry(play.at);
        const asked = play.type === "join" ? groups.join(group, ref) : groups.leave(group, ref);
        // On a cut side nobody may be reached: what became of it shows in the end.
        await this.#world.run(
          asked.then(
            () => undefined,
            () => undefined,
          ),
        );
        break;
      }
      case "end": {
        const ref = this.#refs[play.who % this.#refs.length] as ClusterRef;
        await this.#world.run(ref.stop().catch(() => undefined));
        break;
      }
      case "crash":
        cluster.heal();
        await this.#world.advance(100);
        cluster.restart(play.node);
        this.#world.boot(play.node);
        await this.#world.advance(100);
        await this.#startAt(play.node);
        this.#follow(play.node);
        break;
      case "cut":
        cluster.partition([play.node]);
        break;
      case "heal":
        cluster.heal();
        break;
      case "wait":
        await this.#world.advance(play.ms);
        break;
      default:
        play satisfies never;
    }
  }

  /** What a node shows of a group, as text. */
  shown(place: number, group: string): string[] {
    return this.#registry(place).groups.members(group).map(showOf).sort();
  }

  /** Every child that runs joins a group; their names. */
  async joinChildren(group: string): Promise<readonly string[]> {
    const running = CHILDREN.filter((name) => this.#registry(0).lookup(name) !== undefined);
    for (const name of running) {
      const ref = this.#registry(0).process(inert, name);
      await this.#world.run(this.#registry(0).groups.join(group, ref));
    }
    await this.#world.advance(100);
    return running;
  }

  /** The place of the node that runs it. */
  hostOf(name: string | undefined): number {
    const pid = name === undefined ? undefined : this.#registry(0).lookup(name)?.pid;
    return Math.max(
      0,
      this.#world.nodes.findIndex(({ port }) => port.id === pid?.node),
    );
  }

  /** Where a name leads, as `shown` says it. */
  placeOf(name: string): string {
    const pid = this.#registry(0).lookup(name)?.pid;
    return pid === undefined ? `${name} nowhere` : showOf({ name, pid });
  }

  /** True of every member that is shown: it runs there. */
  isRunning({ node: host, serial }: Pid): boolean {
    return this.#world.nodes.some(
      ({ port, kernel }) =>
        port.id === host && kernel.find({ node: host, boot: port.boot, serial }) !== undefined,
    );
  }

  members(group: string): readonly GroupMember[] {
    return this.#registry(0).groups.members(group);
  }

  #registry(place: number) {
    return this.#world.at(place).registry;
  }

  async #startAt(place: number): Promise<void> {
    this.#refs.push(await this.#world.run(this.#registry(place).startProcess(inert, { id: "-" })));
  }

  #follow(place: number): void {
    const known = new Map<string, GroupMember>();
    this.followed[place] = known;
    for (const group of GROUPS) void follow(this.#registry(place).groups.watch(group), known);
  }
}

async function follow(events: AsyncIterable<GroupEvent>, known: Map<string, GroupMember>) {
  for await (const { type, member } of events) {
    const key = `${member.group} ${member.name ?? JSON.stringify(member.pid)}`;
    if (type === "left") known.delete(key);
    else known.set(key, member);
  }
}

function showOf({ name, pid }: Pick<GroupMember, "name" | "pid">): string {
  return `${name ?? "-"} ${pid.node}/${pid.boot}/${pid.serial}`;
}

const numRuns = Number(process.env["GROUPS_RUNS"] ?? 12);

test("after joins, leaves, crashes and cuts, every node shows the same members, and all of them run", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      const w = await world(NODES);
      const play = new Play(w);
      await play.begin();
      for (const each of steps) await play.run(each);
      w.cluster.heal();
      await w.advance(60_000);
      const joined = await play.joinChildren(GROUPS[1] as string);
      await play.run({ type: "crash", node: play.hostOf(joined[0]) });
      await w.advance(10_000);
      for (let place = 0; place < NODES; place++) {
        expect(play.shown(place, GROUPS[1] as string)).toEqual(
          expect.arrayContaining(joined.map((name) => play.placeOf(name))),
        );
      }
      for (const group of GROUPS) {
        const expected = play.shown(0, group);
        for (let place = 1; place < NODES; place++) {
          expect(play.shown(place, group)).toEqual(expected);
        }
        expect(play.members(group).filter(({ pid }) => !play.isRunning(pid))).toEqual([]);
      }
      for (const known of play.followed) {
        const told = [...known.values()].map((member) => `${member.group} ${showOf(member)}`);
        const expected = GROUPS.flatMap((group) =>
          play.shown(0, group).map((shown) => `${group} ${shown}`),
        );
        expect(told.sort()).toEqual(expected.sort());
      }
      await w.close();
    }),
    { numRuns },
  );
}, 120_000);
