/**
 * Nearness: X-BOT's preference for near neighbours, bounded.
 *
 * X-BOT (Leitão, Marques, Pereira, Rodrigues, SRDS 2009) has four nodes exchange two edges when
 * that lowers their total cost, and leaves one place of each node unbiased. Here at most two of six
 * places are held by nearness, the others stay random, and both new neighbours must gain; whom they
 * give up take each other instead, as after a rotation. So the graph keeps its degrees and its
 * random part, which is what keeps it connected, whatever the measured times say; and there is no
 * state of a half-done exchange among four nodes that could get stuck.
 */
import type { NodeId } from "@foundation/core";
import type { HyParViewState } from "./state.js";

export class Nearness {
  readonly #state: HyParViewState;

  constructor(state: HyParViewState) {
    this.#state = state;
  }

  /** A further neighbour may be marked as one that is near. */
  get hasPlace(): boolean {
    let near = 0;
    for (const neighbor of this.#state.active.neighbors) if (neighbor.near) near += 1;
    return near < this.#state.limits.nearMax;
  }

  /**
   * The neighbour that makes room for a nearer node: while there is a place for one, any of the
   * others (were it the farthest, those would not stay random), later the farther of the near ones.
   * Undefined when the node is not nearer by enough or nothing is known.
   */
  victimOf(id: NodeId): NodeId | undefined {
    const { xbot, chances, roundTripMs } = this.#state;
    const rtt = xbot ? roundTripMs(id) : undefined;
    const victim = rtt === undefined ? undefined : this.#leastDear();
    const victimMs = victim === undefined ? undefined : roundTripMs(victim);
    if (rtt === undefined || victimMs === undefined) return undefined;
    return rtt <= victimMs * chances.nearer ? victim : undefined;
  }

  /** The nearest of a few others drawn at random, when it is nearer than a neighbour. */
  candidate(): NodeId | undefined {
    const { passive, limits, mayAsk, roundTripMs, now } = this.#state;
    let nearest: NodeId | undefined;
    let nearestMs = Number.POSITIVE_INFINITY;
    for (let scan = 0; scan < limits.nearScan; scan += 1) {
      const id = passive.draw(now, mayAsk);
      const ms = id === undefined ? undefined : roundTripMs(id);
      if (ms === undefined || ms >= nearestMs) continue;
      nearest = id;
      nearestMs = ms;
    }
    return nearest !== undefined && this.victimOf(nearest) !== undefined ? nearest : undefined;
  }

  #leastDear(): NodeId | undefined {
    const { active, random, roundTripMs } = this.#state;
    const { neighbors } = active;
    if (this.hasPlace) {
      const start = Math.floor(random.next() * neighbors.length);
      for (let step = 0; step < neighbors.length; step += 1) {
        const neighbor = neighbors[(start + step) % neighbors.length];
        if (neighbor && !neighbor.near) return neighbor.id;
      }
      return undefined;
    }
    let farthest: NodeId | undefined;
    let farthestMs = Number.NEGATIVE_INFINITY;
    for (const { id, near } of neighbors) {
      const ms = near ? (roundTripMs(id) ?? Number.POSITIVE_INFINITY) : farthestMs;
      if (ms <= farthestMs) continue;
      farthest = id;
      farthestMs = ms;
    }
    return farthest;
  }
}
