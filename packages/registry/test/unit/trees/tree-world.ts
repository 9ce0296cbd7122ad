/** What the tests of trees share: processes that say when they start and end, and how to read a tree. */
import { defineProcess, pinned, type ExitReason } from "@foundation/core";
import { afterEach, beforeEach } from "@jest/globals";
import type { SupervisorRef, TreeChildOptions } from "../../../src/index.js";
import { runningAt, world, type World } from "../runtime/world.js";

/** Starts and ends of `worker`, in order: `+a`, `-a`. A test clears it first. */
export const diary: string[] = [];

/** Worlds of a file of tests: each test begins with an empty diary, and its world ends with it. */
export function worldsOfTrees() {
  let open: { close(): Promise<void> } | undefined;
  beforeEach(() => {
    diary.length = 0;
    broken.clear();
    slow.clear();
  });
  afterEach(async () => {
    await open?.close();
    open = undefined;
  });
  const keep = <W extends { close(): Promise<void> }>(made: W): W => {
    open = made;
    return made;
  };
  const start = async (...options: Parameters<typeof world>) => keep(await world(...options));
  return { start, keep };
}

/** Ids that are not to start. */
export const broken = new Set<string>();

/** Ids whose `init` takes for ever. */
export const slow = new Set<string>();

export const worker = defineProcess({
  name: "trees.worker",
  init: async (args: { id: string }) => {
    if (slow.has(args.id)) await new Promise<void>(() => undefined);
    if (broken.has(args.id)) throw new Error(`${args.id} is broken`);
    diary.push(`+${args.id}`);
    return { id: args.id, count: 0 };
  },
  call: {
    add: ({ state }, by: number) => (state.count += by),
    where: ({ self }) => self.node,
    crash: () => {
      throw new Error("crashed on purpose");
    },
  },
  terminate: ({ state }, reason: ExitReason) => {
    diary.push(`-${state.id}`);
    return reason;
  },
});

/** A process that ends in order when it is told. */
export const quitter = defineProcess({
  name: "trees.quitter",
  init: () => ({}),
  call: { ping: () => "pong" },
});

export function child(
  id: string,
  more: Partial<Extract<TreeChildOptions, { process: unknown }>> = {},
) {
  return { id, process: worker, args: { id }, ...more } as const;
}

export function children(ids: string): readonly TreeChildOptions[] {
  return Array.from(ids).map((id) => child(id));
}

/** `a:running b:ended`, as a node knows it. */
export function shown(tree: SupervisorRef): string {
  return tree
    .children()
    .map(({ id, status }) => `${id}:${status}`)
    .join(" ");
}

/** Where each child runs: fails unless it is exactly one place. */
export function placesOf(w: World, tree: SupervisorRef): Record<string, readonly number[]> {
  return Object.fromEntries(
    tree.children().map(({ id, identity }) => [id, runningAt(w, identity)] as const),
  );
}

/** The place of the node that runs the tree's decisions. */
export function ownerPlace(w: World, tree: SupervisorRef): number {
  const owner = tree.whereis();
  return w.nodes.findIndex(({ port }) => port.id === owner);
}

/** Ends a process in order, as one does that has done its work. */
export function quit(w: World, identity: string): void {
  for (const { kernel } of w.nodes) {
    for (const { pid, label } of kernel.list()) {
      if (label === identity) kernel.exit(pid, { type: "normal" });
    }
  }
}

/** Kills a process where it runs. */
export function kill(w: World, identity: string): void {
  for (const { kernel, port } of w.nodes) {
    if (!w.cluster.nodes.includes(port)) continue;
    for (const { pid, label } of kernel.list()) {
      if (label === identity) kernel.exit(pid, { type: "killed" });
    }
  }
}

export function on(w: World, place: number) {
  return { on: w.at(place).port.id } as const;
}

export { pinned };
