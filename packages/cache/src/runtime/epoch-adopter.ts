/**
 * EpochAdopter: takes a node from one committed epoch to the next, quorum mode.
 *
 * A bucket goes on without a word where its owners are the same starts of the same nodes as in the epoch before, and this
 * node was warm in it. Every other bucket is pulled from a seal of the epoch before. Entries that are neither of this epoch
 * nor of the one before are dropped: nobody vouches for them.
 */
import type { Member } from "@foundation/core";
import type { Replica } from "../protocol/replica.js";
import { Ring, ringPlacement } from "../protocol/ring.js";
import type { Keeper } from "./keeper.js";
import type { EpochSource } from "./ports.js";
import type { Before, Pulls } from "./pulls.js";
import type { Standing } from "./standing.js";
import { nodeOfSeat, seatOf, type World } from "./world.js";

export interface EpochParts {
  readonly world: World;
  readonly standing: Standing;
  readonly replica: Replica;
  readonly pulls: Pulls;
  readonly keeper: Keeper;
  readonly self: Member;
}

export class EpochAdopter {
  readonly #replicas: number;
  readonly #parts: EpochParts;
  readonly #placement = ringPlacement();

  constructor(replicas: number, parts: EpochParts) {
    this.#replicas = replicas;
    this.#parts = parts;
  }

  adopt(epochs: EpochSource): void {
    const { standing, replica, pulls, keeper, world, self } = this.#parts;
    const newest = epochs.current();
    const now = standing.ring;
    if (newest === undefined || (now !== undefined && newest.epoch <= now.number)) return;
    const ring = this.#ringOf(newest.epoch, newest.members);
    const isFollowing = now?.number === newest.epoch - 1;
    const previous =
      newest.previous === undefined ? undefined : this.#ringOf(newest.epoch - 1, newest.previous);
    const before = isFollowing ? now : previous;
    // Seats, not nodes: one that started again keeps its place on the ring and has forgotten everything.
    const stayed = new Set(newest.previous ?? []);
    const isSeated = newest.members.includes(seatOf(self));
    const kept = (bucket: number) => {
      if (!isFollowing || before === undefined || !ring.hasSameOwners(before, bucket)) return false;
      const seats = newest.members.filter((seat) => ring.owners(bucket).includes(nodeOfSeat(seat)));
      return seats.every((seat) => stayed.has(seat));
    };
    const shift = standing.adopt(ring, isSeated, kept);
    for (const bucket of shift.cold) {
      if (standing.warmEpoch(bucket) < ring.number - 1) replica.drop(bucket);
    }
    for (const bucket of shift.former) {
      if (standing.warmEpoch(bucket) >= ring.number - 1) continue;
      replica.drop(bucket);
      standing.markCold(bucket);
    }
    if (newest.epoch === 1 || newest.previous?.length === 0) {
      for (const bucket of shift.cold) standing.markWarm(bucket);
    } else {
      const from: Before = { ring: before, learntAtMs: world.clock.now() };
      void pulls.seal(shift.cold, ring, from);
    }
    keeper.release();
  }

  #ringOf(epoch: number, seats: readonly string[]): Ring {
    return new Ring(epoch, seats.map(nodeOfSeat), this.#replicas, this.#placement);
  }
}
