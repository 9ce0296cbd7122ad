/**
 * Copies: what a primary sends the others before it acknowledges: copies to the other owners, withdrawals to who holds
 * near copies.
 *
 * Eventual: an owner that does not answer within `copyMs` is left to repair. Quorum: most owners must have it, this one
 * counted; else the outcome is unknown, since it may still become the value.
 */
import { coreErrors } from "@foundation/core";
import type { NodeId } from "@foundation/core";
import { parseVersion, wireOf, wireVersion, type Item } from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { quorumOf } from "../protocol/quorum.js";
import type { Version } from "../protocol/version.js";
import { wireOfOp, type WriteOp } from "../protocol/write-op.js";
import { ANY_VIEW } from "./standing.js";
import {
  checkTimely,
  isPassing,
  isUnknown,
  pause,
  unavailable,
  type Verb,
  type World,
} from "./world.js";

/** What became of one copy. */
type Copied = "taken" | "missed" | Version;

export class Copies {
  readonly #world: World;
  readonly #onMissed: (node: NodeId) => void;

  /** `onMissed` is called for an owner that must be mended. */
  constructor(world: World, onMissed: (node: NodeId) => void) {
    this.#world = world;
    this.#onMissed = onMissed;
  }

  /**
   * Copies an item to the other owners; a version that is in the way, if there is one.
   * @throws {ERR_OUTCOME_UNKNOWN} in quorum mode: too few took it
   */
  async spread(item: Item): Promise<Version | undefined> {
    const { self, consistency } = this.#world;
    const ring = this.#world.ring();
    if (ring === undefined) return undefined;
    const owners = ring.owners(bucketOf(item.key));
    if (owners.length === 1 && owners[0] === self) return undefined;
    const untilMs = this.#world.clock.now() + this.#world.times.copyMs;
    const wires = [wireOf(item)];
    const others = owners.filter((id) => id !== self);
    const results = others.map((id) => this.#copyTo(id, item, wires, untilMs));
    if (consistency === "eventual") return firstVersion(await Promise.all(results));
    const needed = quorumOf(owners.length) - 1;
    if (await atLeast(results, needed)) return undefined;
    const target = `"${item.key.slice(0, 64)}" in the cache "${this.#world.name}"`;
    throw coreErrors.ERR_OUTCOME_UNKNOWN(
      `Fewer than ${needed + 1} of ${owners.length} owners took ${target} within ${this.#world.times.copyMs} ms: it may ` +
        "still become the value; read it, or write it again",
      { reason: "deadline-exceeded", target },
    );
  }

  /** Withdraws near copies, for as long as one may be believed. */
  async withdraw(key: string, nodes: Iterable<string>): Promise<void> {
    const untilMs = this.#world.clock.now() + this.#world.times.copyMs;
    const told = [...nodes].map((node) => {
      const isGone = () => this.#world.membership.member(node as NodeId) === undefined;
      return this.#insist(node as NodeId, "near", [key], untilMs, isGone);
    });
    await Promise.all(told);
  }

  /** Has buckets emptied by the other owners of each. @throws {ERR_OUTCOME_UNKNOWN} in quorum mode */
  async wipe(wiped: readonly (readonly [number, Version])[]): Promise<void> {
    const { self, consistency, name, times } = this.#world;
    const ring = this.#world.ring();
    if (ring === undefined) return;
    const byNode = new Map<NodeId, unknown[]>();
    for (const [bucket, version] of wiped) {
      for (const id of ring.owners(bucket)) {
        if (id === self) continue;
        const list = byNode.get(id) ?? [];
        list.push([bucket, wireVersion(version)]);
        byNode.set(id, list);
      }
    }
    const untilMs = this.#world.clock.now() + times.copyMs;
    const told = [...byNode].map(async ([id, list]) => {
      const isGone = () => this.#world.membership.member(id) === undefined;
      const isTold = await this.#insist(id, "wipe", [ring.number, list], untilMs, isGone);
      if (!isTold) this.#onMissed(id);
      return isTold;
    });
    const results = await Promise.all(told);
    if (consistency === "eventual" || results.every(Boolean)) return;
    const target = `the cache "${name}"`;
    throw coreErrors.ERR_OUTCOME_UNKNOWN(
      `Not every node could be told to empty ${target}: some of it may still be there; clear it again`,
      { reason: "deadline-exceeded", target },
    );
  }

  /** Deletes a key at its primary, which is another node. */
  async deleteAt(op: WriteOp): Promise<boolean> {
    const { copyMs, retryMs } = this.#world.times;
    const untilMs = this.#world.clock.now() + copyMs;
    for (;;) {
      const ring = this.#world.ring();
      const primary = ring?.primary(bucketOf(op.key));
      try {
        if (ring === undefined || primary === undefined) {
          throw unavailable(this.#world.name, "nobody keeps the key");
        }
        const leftMs = Math.max(1, untilMs - this.#world.clock.now());
        const payload = [ring.number, wireOfOp(op)];
        const reply = await this.#world.ask(primary, "write", payload, leftMs);
        return Array.isArray(reply) && reply[0] === "done" && reply[1] === true;
      } catch (error) {
        if (!isPassing(error) || this.#world.clock.now() >= untilMs) throw error;
        await pause(this.#world, retryMs);
      }
    }
  }

  async #copyTo(
    node: NodeId,
    item: Item,
    wires: readonly unknown[],
    untilMs: number,
  ): Promise<Copied> {
    const { clock, self, times, closed, consistency } = this.#world;
    const bucket = bucketOf(item.key);
    for (;;) {
      const ring = this.#world.ring();
      // Another node leads now: what was written here is handed to it, and counts by its version.
      const isLed = ring?.primary(bucket) === self || consistency === "quorum";
      const verb: Verb = isLed ? "copy" : "mend";
      const to = isLed ? node : (ring?.primary(bucket) ?? node);
      try {
        const leftMs = Math.max(1, untilMs - clock.now());
        // For half of the time both must see the same members.
        const isLong = consistency === "eventual" && leftMs * 2 < times.copyMs;
        // A quorum counts only what is taken in the epoch that gave the version: in a later one the owners may be others.
        const seen = consistency === "quorum" ? item.version.epoch : (ring?.number ?? ANY_VIEW);
        const view = isLong ? ANY_VIEW : seen;
        const reply = await this.#world.ask(to, verb, [view, wires], leftMs);
        const inTheWay = parseVersion(reply);
        if (inTheWay !== undefined) checkTimely(this.#world, [inTheWay]);
        return inTheWay ?? "taken";
      } catch (error) {
        const isOver = clock.now() >= untilMs || closed.aborted;
        const isGone = isLed && this.#isGone(node, bucket);
        if (isOver || isGone || !(isPassing(error) || isUnknown(error))) {
          this.#onMissed(node);
          return "missed";
        }
        await pause(this.#world, times.retryMs);
      }
    }
  }

  /** True when the node need not have the copy any more: it is no member, or no owner. */
  #isGone(node: NodeId, bucket: number): boolean {
    if (this.#world.membership.member(node) === undefined) return true;
    return this.#world.ring()?.owners(bucket).includes(node) !== true;
  }

  async #insist(
    node: NodeId,
    verb: Verb,
    payload: unknown,
    untilMs: number,
    isGone: () => boolean,
  ): Promise<boolean> {
    for (;;) {
      try {
        const leftMs = Math.max(1, untilMs - this.#world.clock.now());
        await this.#world.ask(node, verb, payload, leftMs);
        return true;
      } catch (error) {
        const isOver = this.#world.clock.now() >= untilMs || this.#world.closed.aborted;
        if (isOver || isGone() || !(isPassing(error) || isUnknown(error))) return false;
        await pause(this.#world, this.#world.times.retryMs);
      }
    }
  }
}

function firstVersion(results: readonly Copied[]): Version | undefined {
  for (const result of results) if (typeof result === "object") return result;
  return undefined;
}

/** True as soon as so many were taken, false when that cannot be any more. */
function atLeast(results: readonly Promise<Copied>[], needed: number): Promise<boolean> {
  return new Promise((resolve) => {
    let taken = 0;
    let left = results.length;
    if (needed <= 0) resolve(true);
    for (const result of results) {
      void result.then((copied) => {
        left -= 1;
        if (copied === "taken") taken += 1;
        if (taken >= needed) resolve(true);
        else if (taken + left < needed) resolve(false);
      });
    }
  });
}
