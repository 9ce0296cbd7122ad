/**
 * Trees: supervision trees across nodes, one of each strategy. Their children are called, crash and move like any process;
 * when all is healed each runs once, and a crash starts those again that the strategy says, in order.
 */
import { instancesOf } from "../agreement.js";
import { runOn } from "../../support/run-on.js";
import { startOf, type Face, type Node, type ProcessNode } from "../process-node.js";
import { worker } from "../subjects.js";
import { anyNode, oneOf, type Part, type PartWorld } from "./part.js";
import { wrongRestart, type Strategy } from "./tree-rules.js";

const trees: Readonly<Record<string, Strategy>> = {
  oak: "one-for-one",
  elm: "one-for-all",
  ash: "rest-for-one",
};
const names = Object.keys(trees);
const ids = ["a", "b", "c"];
const ALL_RUNNING = ids.map((id) => `${id} running`).join(", ");
/** No tree gives up for the crashes of the hunt. */
const RESTARTS_MAX = 10_000;
const RESTART_WITHIN_MS = 4_000;

export class Trees implements Part {
  readonly identities = names.flatMap(childrenOf);
  readonly #world: PartWorld;
  /** Of each tree, starts of nodes that saw all of it run. A start that is under way may be taken back. */
  readonly #known = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  /** Those that ran when nothing was wrong for the first time. */
  #settled: readonly string[] | undefined;

  constructor(world: PartWorld) {
    this.#world = world;
  }

  /** Each is started once, while nothing is wrong. */
  async begin(): Promise<void> {
    const { sim } = this.#world;
    for (const name of names) {
      const node = anyNode(this.#world);
      await sim.settle(runOn(sim, node, ({ face }) => this.#supervise(face, name)));
    }
    await sim.run("1s");
    for (const node of sim.nodes) this.#note(node);
  }

  act(node: Node): void {
    this.#note(node);
    const { random, workload } = this.#world;
    const [action, which] = [random.next(), random.next()];
    const identity = oneOf(random, this.identities) as string;
    if (action < 0.1) return this.#start(node, names[Math.floor(which * names.length)] as string);
    if (action < 0.25) return workload.crash(node, identity);
    if (action < 0.35) return workload.move(node, identity);
    workload.call(node, identity, 100 + which * 2_500, action < 0.6 ? which * 900 : 0);
  }

  living(): readonly string[] {
    return this.#living().flatMap(childrenOf);
  }

  settle(): void {
    const [node] = this.#world.sim.nodes;
    this.#settled ??= names.filter((name) => node && this.#ownerOf(node, name));
  }

  /** A tree is a process as well. */
  beside(): number {
    const [node] = this.#world.sim.nodes;
    return node === undefined ? 0 : names.filter((name) => this.#ownerOf(node, name)).length;
  }

  async judge(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const name of names) {
      const owners = new Set(this.#world.sim.nodes.map((node) => this.#ownerOf(node, name)));
      if (owners.size > 1) wrong.push(`the tree ${name} is run by ${[...owners].join(" and ")}`);
    }
    for (const name of this.#living()) wrong.push(...this.#wrongChildren(name));
    return wrong;
  }

  async exercise(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const name of names.filter((each) => this.#ownerOf(anyNode(this.#world), each))) {
      wrong.push(...(await this.#crashOne(name)));
    }
    return wrong;
  }

  async #crashOne(tree: string): Promise<readonly string[]> {
    const { sim, random, workload, book } = this.#world;
    const crashed = oneOf(random, ids) as string;
    const before = await this.#instances(tree);
    const { length } = book.births;
    sim.at(0, () => workload.crash(anyNode(this.#world), `${tree}/${crashed}`));
    await sim.run(RESTART_WITHIN_MS);
    const after = await this.#instances(tree);
    const births = book.births
      .slice(length)
      .filter((identity) => identity.startsWith(`${tree}/`))
      .map((identity) => identity.slice(tree.length + 1));
    const strategy = trees[tree] as Strategy;
    return wrongRestart({ tree, strategy, ids, crashed, before, after, births });
  }

  async #instances(tree: string): Promise<ReadonlyMap<string, string>> {
    const found = await instancesOf(this.#world.sim, childrenOf(tree));
    return new Map([...found].map(([identity, at]) => [identity.slice(tree.length + 1), at]));
  }

  /** Trees that must run: somebody who is up knows of them. All do once nothing is wrong, and nobody stops one. */
  #living(): readonly string[] {
    const { sim } = this.#world;
    if (this.#settled !== undefined) return this.#settled;
    const up = new Set(sim.nodes.map(startOf));
    return names.filter((name) =>
      [...(this.#known.get(name) ?? [])].some((start) => up.has(start)),
    );
  }

  #note(node: Node): void {
    for (const name of names) {
      if (shownBy(node, name) === ALL_RUNNING) this.#known.get(name)?.add(startOf(node));
    }
  }

  /** Starts a tree from a node, or finds it: behind a cut that is another start of it. */
  #start(node: Node, name: string): void {
    this.#world.workload.attempt(node, ({ face }) => this.#supervise(face, name));
  }

  #supervise(face: Face, name: string): Promise<unknown> {
    return face.supervise(name, {
      strategy: trees[name] as Strategy,
      maxRestarts: RESTARTS_MAX,
      within: "5s",
      children: ids.map((id) => ({ id, process: worker, args: { identity: `${name}/${id}` } })),
      ifRunning: "return",
      timeout: "5s",
    });
  }

  #ownerOf(node: Node, name: string): string | undefined {
    return node.within(({ face }: ProcessNode) => face.supervisor(name).whereis());
  }

  #wrongChildren(name: string): readonly string[] {
    return this.#world.sim.nodes.flatMap((node) => {
      const shown = shownBy(node, name);
      if (shown === ALL_RUNNING) return [];
      const why = childrenAt(node, name).map(({ reason }) => reason ?? "");
      return [`${node.name} sees of the tree ${name}: ${shown || "nothing"} (${why.join("; ")})`];
    });
  }
}

function shownBy(node: Node, name: string): string {
  return childrenAt(node, name)
    .map(({ id, status }) => `${id} ${status}`)
    .join(", ");
}

function childrenAt(node: Node, name: string) {
  return node.within(({ face }: ProcessNode) => face.supervisor(name).children());
}

function childrenOf(tree: string): readonly string[] {
  return ids.map((id) => `${tree}/${id}`);
}
