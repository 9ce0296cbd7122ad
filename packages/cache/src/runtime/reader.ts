/**
 * Reader: how a node reads a key of a shared cache: at its primary, from its own copy, or of a quorum.
 *
 * Invariant: in quorum mode what is given was written to most owners, or is before it is given: a later reader cannot
 * find something older.
 */
import type { NodeId } from "@foundation/core";
import { parseItem, parseVersion, wireOf, type Item } from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { quorumOf, resolve, type Answer } from "../protocol/quorum.js";
import type { Ring } from "../protocol/ring.js";
import { compareVersions } from "../protocol/version.js";
import { fields } from "./keeper.js";
import type { Patience } from "./patience.js";
import { malformed, unavailable, type World } from "./world.js";

export class Reader {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Asks the primary of a key, once, for what is fresh of it, as `Keeper.get` answers. Rejects, never throws. */
  get(key: string, isNear: boolean, patience: Patience, leftMs: number): Promise<unknown> {
    try {
      const ring = this.#ring();
      const primary = ring.primary(bucketOf(key));
      if (primary === undefined) throw unavailable(this.#world.name, "nobody keeps the key");
      const view = patience.viewOf(ring, leftMs);
      const payload = isNear ? [view, key, true] : [view, key];
      return this.#world.ask(primary, "get", payload, leftMs, patience.signal);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** What the owners know of the keys, in their order; undefined: nothing. `isNear`: a near copy will be kept. */
  async read(
    keys: readonly string[],
    patience: Patience,
    isNear: boolean,
  ): Promise<readonly (Item | undefined)[]> {
    if (this.#world.consistency === "quorum") {
      return Promise.all(keys.map((key) => this.#ofQuorum(key, patience)));
    }
    const [key] = keys;
    if (key !== undefined && keys.length === 1) {
      return [await this.#atPrimary(key, patience, isNear)];
    }
    return this.#atPrimaries(keys, patience, isNear);
  }

  /** One request for each primary; what failed is asked again, by the ring as it is then. */
  async #atPrimaries(
    keys: readonly string[],
    patience: Patience,
    isNear: boolean,
  ): Promise<readonly (Item | undefined)[]> {
    const found: (Item | undefined)[] = keys.map(() => undefined);
    let open = keys.map((_, index) => index);
    await patience.insist(async (leftMs, signal) => {
      const ring = this.#ring();
      const groups = new Map<NodeId | undefined, number[]>();
      for (const index of open) {
        const primary = ring.primary(bucketOf(keys[index] as string));
        const group = groups.get(primary);
        if (group === undefined) groups.set(primary, [index]);
        else group.push(index);
      }
      open = [];
      let failure: unknown;
      const asked = [...groups].map(async ([primary, indices]) => {
        try {
          if (primary === undefined) throw unavailable(this.#world.name, "nobody keeps the key");
          const wanted = indices.map((index) => keys[index] as string);
          const payload = [patience.viewOf(ring), wanted, isNear];
          const reply = await this.#world.ask(primary, "read", payload, leftMs, signal);
          const answers = fields(reply);
          for (const [at, index] of indices.entries()) {
            found[index] = parseItem(fields(answers[at])[0]);
          }
        } catch (error) {
          failure = error;
          open.push(...indices);
        }
      });
      await Promise.all(asked);
      if (failure !== undefined) throw failure as Error;
    });
    return found;
  }

  async #atPrimary(key: string, patience: Patience, isNear: boolean): Promise<Item | undefined> {
    const bucket = bucketOf(key);
    const reply = await patience.insist(async (leftMs, signal) => {
      const ring = this.#ring();
      const primary = ring.primary(bucket);
      if (primary === undefined) throw unavailable(this.#world.name, "nobody keeps the key");
      const payload = [patience.viewOf(ring), [key], isNear];
      return this.#world.ask(primary, "read", payload, leftMs, signal);
    });
    return parseItem(fields(fields(reply)[0])[0]);
  }

  async #ofQuorum(key: string, patience: Patience): Promise<Item | undefined> {
    return patience.insist(async (leftMs, signal) => {
      const ring = this.#ring();
      const owners = ring.owners(bucketOf(key));
      const needed = quorumOf(owners.length);
      if (owners.length < 1) throw unavailable(this.#world.name, "nobody keeps the key");
      const answers = await this.#answers(key, ring, needed, leftMs, signal);
      const item = resolve([...answers.values()]);
      if (item !== undefined) await this.#writeBack(item, ring, answers, needed, leftMs);
      return item;
    });
  }

  /**
   * The first `needed` answers. Nobody waits for the others of an attempt that has failed: it is made again soon, and
   * who is cut off would be asked by each of them for as long as the caller's time lasts.
   * @throws {ERR_CACHE_UNAVAILABLE} so many do not come
   */
  #answers(
    key: string,
    ring: Ring,
    needed: number,
    leftMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Map<NodeId, Answer>> {
    const owners = ring.owners(bucketOf(key));
    const answers = new Map<NodeId, Answer>();
    const attempt = new AbortController();
    const giveUp = () => attempt.abort(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    const settled = new Promise<Map<NodeId, Answer>>((settle, reject) => {
      let failures = 0;
      const failed = (error: unknown) => {
        failures += 1;
        if (owners.length - failures >= needed) return;
        const reason = `fewer than ${needed} of its ${owners.length} owners answered`;
        reject(unavailable(this.#world.name, reason, error));
        giveUp();
      };
      for (const owner of owners) {
        this.#world
          .ask(owner, "read", [ring.number, [key], false], leftMs, attempt.signal)
          .then((reply) => {
            const [wire, wireFloor] = fields(fields(reply)[0]);
            const floor = parseVersion(wireFloor);
            if (floor === undefined) {
              failed(malformed(this.#world.name, "read"));
              return;
            }
            if (answers.size < needed) answers.set(owner, { item: parseItem(wire), floor });
            if (answers.size === needed) settle(answers);
          }, failed);
      }
    });
    return settled.finally(() => signal?.removeEventListener("abort", giveUp));
  }

  /** Sees to it that as many have the item as a write needs. */
  async #writeBack(
    item: Item,
    ring: Ring,
    answers: ReadonlyMap<NodeId, Answer>,
    needed: number,
    leftMs: number,
  ): Promise<void> {
    const behind = [...answers].filter(
      ([, answer]) =>
        answer.item === undefined || compareVersions(answer.item.version, item.version) < 0,
    );
    if (answers.size - behind.length >= needed) return;
    const payload = [ring.number, [wireOf(item)]];
    await Promise.all(behind.map(([node]) => this.#world.ask(node, "copy", payload, leftMs)));
  }

  #ring(): Ring {
    const ring = this.#world.ring();
    if (ring === undefined) throw unavailable(this.#world.name, "this node is joining");
    return ring;
  }
}
