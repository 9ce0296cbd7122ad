/**
 * Membership: groups of processes, and names that any number of them have. After every heal all nodes see the same members,
 * each of them answers, once; those that joined when nothing was wrong stay through crashes of nodes, moves and cuts.
 */
import { isFoundationError } from "@foundation/core";
import { instancesOf } from "../agreement.js";
import { instanceOf } from "../process-book.js";
import { runOn } from "../../support/run-on.js";
import type { Node } from "../process-node.js";
import { definitionOf } from "../workload.js";
import { anyNode, oneOf, type Part, type PartWorld } from "./part.js";

/** Joined and left all the time. */
const CLUB = "club";
/** Joined when nothing was wrong, and never left. */
const CREW = "crew";
const POST = "post";

export class Membership implements Part {
  readonly #world: PartWorld;
  #crew: readonly string[] = [];

  constructor(world: PartWorld) {
    this.#world = world;
  }

  act(node: Node): void {
    const { random, workload } = this.#world;
    const action = random.next();
    const identity = oneOf(random, workload.identities) as string;
    workload.attempt(node, async ({ face }) => {
      const ref = face.process(definitionOf(identity), identity);
      if (action < 0.5) await face.groups.join(CLUB, ref, { timeout: "3s" });
      else if (action < 0.75) await face.groups.leave(CLUB, ref, { timeout: "3s" });
      else if (action < 0.9) await face.groups.multiCall(CLUB, "who", undefined, { timeout: "1s" });
      else await face.registry.register(POST, ref, { keys: "duplicate", timeout: "3s" });
    });
  }

  /** All that are served join; those that move keep the name that they share. */
  async exercise(): Promise<readonly string[]> {
    const { sim, workload, random } = this.#world;
    const instances = await instancesOf(sim, workload.living());
    const served = [...instances.keys()];
    await this.#each(served, async (identity) => {
      const node = anyNode(this.#world);
      await runOn(sim, node, async ({ face }) => {
        const ref = face.process(definitionOf(identity), identity);
        await face.groups.join(CREW, ref, { timeout: "5s" });
        await face.registry.register(POST, ref, { keys: "duplicate", timeout: "5s" });
      });
    });
    this.#crew = served;
    for (const identity of served) {
      if (random.next() < 0.5) sim.at(0, () => workload.move(anyNode(this.#world), identity));
      await sim.run(50);
    }
    await sim.run("5s");
    const now = await instancesOf(sim, served);
    return sim.nodes.flatMap((node) => {
      const found = this.#post(node);
      const lost = [...now.values()].filter((instance) => !found.includes(instance));
      if (lost.length === 0) return [];
      return [`${node.name} does not find ${lost.join(", ")} as ${POST} any more`];
    });
  }

  async judge(): Promise<readonly string[]> {
    const { sim, workload } = this.#world;
    const instances = await instancesOf(sim, workload.identities);
    const wrong: string[] = [];
    for (const group of [CLUB, CREW]) {
      const views = new Set(sim.nodes.map((node) => this.#members(node, group).sort().join()));
      if (views.size > 1) wrong.push(`the nodes see in ${group}: ${[...views].join(" and ")}`);
      wrong.push(...(await this.#answers(group, instances)));
    }
    const [first] = sim.nodes;
    if (first !== undefined) {
      const served = this.#crew.filter((identity) => instances.has(identity));
      wrong.push(...wrongSet(`${first.name} sees in ${CREW}`, served, this.#members(first, CREW)));
    }
    const posts = new Set(sim.nodes.map((node) => this.#post(node).sort().join()));
    if (posts.size > 1) wrong.push(`the nodes find as ${POST}: ${[...posts].join(" and ")}`);
    const there = new Set(instances.values());
    const gone = sim.nodes.flatMap((node) => this.#post(node)).filter((each) => !there.has(each));
    if (gone.length > 0) wrong.push(`${POST} leads to ${gone.join(", ")}, which runs no more`);
    return wrong;
  }

  /** A call of all members gives one result of each, from whoever serves it. */
  async #answers(
    group: string,
    instances: ReadonlyMap<string, string>,
  ): Promise<readonly string[]> {
    const { sim } = this.#world;
    const node = anyNode(this.#world);
    const members = this.#members(node, group);
    const asked = runOn(sim, node, ({ face }) =>
      face.groups.multiCall(group, "who", undefined, { timeout: "5s" }),
    );
    const replies = await sim.settle(asked);
    const answered = replies.map((reply) => {
      const { name = "?" } = reply.member;
      if (!reply.ok) return `${name} ${codeOf(reply.error)}`;
      return reply.value === instances.get(name) ? name : `${name} by ${String(reply.value)}`;
    });
    return wrongSet(`a call of ${group} by ${node.name} was answered by`, members, answered);
  }

  #members(node: Node, group: string): string[] {
    return node.within(({ face }) => face.groups.members(group).map(({ name = "?" }) => name));
  }

  #post(node: Node): string[] {
    return node.within(({ face }) =>
      face.registry.lookupAll(POST).map(({ pid }) => instanceOf(pid)),
    );
  }

  async #each(all: readonly string[], work: (one: string) => Promise<void>): Promise<void> {
    for (const one of all) await this.#world.sim.settle(work(one));
  }
}

/** Who is missing of a set, who is there and should not be, and who is there twice. */
export function wrongSet(
  what: string,
  expected: readonly string[],
  found: readonly string[],
): readonly string[] {
  const missing = expected.filter((each) => !found.includes(each));
  const more = found.filter((each, index) => {
    return !expected.includes(each) || found.indexOf(each) !== index;
  });
  if (missing.length + more.length === 0) return [];
  return [
    `${what} not ${missing.join(", ") || "nobody"}, and too many: ${more.join(", ") || "nobody"}`,
  ];
}

function codeOf(error: unknown): string {
  return isFoundationError(error) ? error.code : String(error);
}
