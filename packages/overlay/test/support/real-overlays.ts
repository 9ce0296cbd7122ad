/** What tests of several real overlays ask of them: who lists whom, whether views are whole, what is heard. */
import { nodeClock, type NodeId } from "@foundation/core";
import type { Overlay } from "../../src/index.js";

const clock = nodeClock();

export const idsOf = (nodes: readonly Overlay[]): NodeId[] =>
  nodes.map(({ self }) => self.id).sort();

export const listOf = ({ membership }: Overlay): NodeId[] =>
  membership
    .members()
    .map(({ id }) => id)
    .sort();

/** Polls in real time until the condition holds. */
export async function eventually(
  what: string,
  condition: () => boolean,
  withinMs = 8_000,
): Promise<void> {
  const untilMs = clock.now() + withinMs;
  while (!condition()) {
    if (clock.now() > untilMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await clock.sleep(10);
  }
}

/** Each of these lists exactly these. */
export function listEachOther(nodes: readonly Overlay[]): boolean {
  const ids = idsOf(nodes).join();
  return nodes.every((node) => listOf(node).join() === ids);
}

/** Neighbours see each other as such, and lead from each node to each. */
export function areViewsWhole(nodes: readonly Overlay[]): boolean {
  const views = new Map(nodes.map((node) => [node.self.id, node.neighbours()]));
  for (const [id, others] of views) {
    if (others.some((other) => views.get(other)?.includes(id) !== true)) return false;
  }
  const [first] = views.keys();
  const reached = new Set<NodeId>(first === undefined ? [] : [first]);
  for (const id of reached) for (const next of views.get(id) ?? []) reached.add(next);
  return reached.size === nodes.length;
}

/** What each node hears of each origin from now on. */
export function hears(nodes: readonly Overlay[], subject: string) {
  const heard = new Map(nodes.map((node) => [node.self.id, new Map<NodeId, unknown[]>()]));
  for (const { broadcast, self } of nodes) {
    broadcast.handle(subject, ({ from, payload }) => {
      const mine = heard.get(self.id) as Map<NodeId, unknown[]>;
      mine.set(from, [...(mine.get(from) ?? []), payload]);
    });
  }
  return {
    of: (node: Overlay, origin: Overlay) => heard.get(node.self.id)?.get(origin.self.id) ?? [],
  };
}
