/**
 * AskMembers: what is done to all entries of a cache at once: each node that has it does it to those it keeps.
 *
 * Invariants: a node that leaves meanwhile is not waited for, since others keep its entries then; and these are asked again,
 * since they may have answered before they did. One that cannot be reached is asked again, by the ring as it is by that
 * time, until the patience is over.
 */
import type { NodeId } from "@foundation/core";
import type { Patience } from "./patience.js";
import type { World } from "./world.js";

/** Resolves with what each of them answered, each time. */
export async function askMembers(
  world: World,
  verb: "untag" | "clear" | "near",
  payload: readonly unknown[],
  patience: Patience,
): Promise<readonly unknown[]> {
  const replies: unknown[] = [];
  for (;;) {
    const ring = world.ring();
    const members = ring?.members ?? [];
    const asked = members.map((node) => askOne(world, node, verb, payload, patience));
    replies.push(...(await Promise.all(asked)));
    if (world.ring() === ring) return replies;
  }
}

/** Null: it is no member any more. */
function askOne(
  world: World,
  node: NodeId,
  verb: "untag" | "clear" | "near",
  payload: readonly unknown[],
  patience: Patience,
): Promise<unknown> {
  return patience.insist(async (leftMs, signal) => {
    const ring = world.ring();
    if (ring?.members.includes(node) !== true) return null;
    const args = verb === "near" ? payload : [patience.viewOf(ring), ...payload];
    return world.ask(node, verb, args, leftMs, signal);
  });
}
