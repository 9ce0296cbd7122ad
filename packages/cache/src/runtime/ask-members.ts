/**
 * AskMembers: what is done to all entries of a cache at once: each node that has it does it to those it keeps.
 *
 * Invariant: a node that leaves meanwhile is not waited for, since others keep its entries then; one that cannot be reached
 * is asked again, by the ring as it is by that time, until the patience is over.
 */
import type { Patience } from "./patience.js";
import type { World } from "./world.js";

/** Resolves with what each of them answered. */
export async function askMembers(
  world: World,
  verb: "untag" | "clear" | "near",
  payload: readonly unknown[],
  patience: Patience,
): Promise<readonly unknown[]> {
  const members = world.ring()?.members ?? [];
  return Promise.all(
    members.map((node) =>
      patience.insist(async (leftMs, signal) => {
        const ring = world.ring();
        if (ring?.members.includes(node) !== true) return null;
        const args = verb === "near" ? payload : [patience.viewOf(ring), ...payload];
        return world.ask(node, verb, args, leftMs, signal);
      }),
    ),
  );
}
