/** Ours: one overlay told of one other, or `startCluster()` told nothing. */
import { silentLogger, type Membership } from "@foundation/core";
import { createOverlay, type Overlay, type OverlayOptions } from "@foundation/overlay";
import type { Contestant } from "./contestant.js";

const options = {
  cluster: "formation",
  secret: "the benchmark needs no secret secret",
  runtime: { logger: silentLogger() },
};

export const overlay: Contestant = {
  async start({ index, nodes, seedPort }) {
    const place = index === 0 ? { port: seedPort } : { peers: [`ws://127.0.0.1:${seedPort}`] };
    const { membership } = await startOverlay(place);
    return { full: listsAll(membership, nodes) };
  },
};

export function startOverlay(more: Partial<OverlayOptions>): Promise<Overlay> {
  return createOverlay({ ...options, ...more });
}

/**
 * Resolves when so many members are listed, in the turn in which the last one is. Counts what it is
 * told: reading the list at each change would sort it each time, and that is not what is measured.
 */
export function listsAll(membership: Membership, nodes: number): Promise<void> {
  return new Promise((resolve) => {
    let listed = membership.members().length;
    const look = () => {
      if (listed < nodes || membership.members().length < nodes) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = membership.subscribe((event) => {
      const { type } = event;
      if (type === "node-up" && (event.previous ?? "down") === "down") listed += 1;
      if (type === "node-down" || type === "node-left") listed -= 1;
      look();
    });
    look();
  });
}
