/**
 * CoresTraffic: what an application would do, on all nodes at once, with everything written down that a check needs.
 *
 * A key's last write is known to the traffic, and a name's claim to the node that claimed it, so after a heal it can be
 * said what every node must read.
 */
import type { Random } from "@foundation/core/ports";
import type { CoresNode } from "./cores-node.js";
import { pick } from "./nemesis.js";
import { compareWriteStamps, type WriteStamp } from "./write-stamp.js";

const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
const names = ["ann", "bob", "cid", "dora", "eve"];
export const identities = ["orders", "stock", "mail", "audit"];

/** One write of the map. */
export interface Write {
  readonly key: string;
  readonly stamp: WriteStamp;
  /** Undefined: a deletion. */
  readonly value: string | undefined;
  readonly by: CoresNode;
}

export class CoresTraffic {
  readonly writes: Write[] = [];
  /** Of each key, the stamps that were given to a write. */
  readonly #given = new Set<string>();
  readonly #repeated: string[] = [];
  readonly #random: Random;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One action on a node. */
  act(node: CoresNode): void {
    const random = this.#random;
    const action = random.next();
    this.#count += 1;
    if (action < 0.45) this.#set(node, pick(random, keys));
    else if (action < 0.6) this.#delete(node, pick(random, keys));
    else if (action < 0.8) this.#claim(node, pick(random, names));
    else if (action < 0.95) node.names.withdraw(pick(random, names));
    // Seldom, so that a child lives long enough to be taken over.
    else if (action < 0.998) node.supervisor.start(pick(random, identities));
    else node.supervisor.stop(pick(random, identities));
  }

  /** What is wrong with a key's place in the map, when all nodes that are up hold the same there. */
  lostWrites(held: CoresNode, up: ReadonlySet<CoresNode>, mayForget: boolean): readonly string[] {
    const wrong = [...this.#repeated];
    for (const key of keys) {
      const stamp = held.items.state.stampOf(key);
      const item = held.items.state.get(key);
      const all = this.writes.filter((write) => write.key === key);
      const written = all.find((write) => stamp && compareWriteStamps(write.stamp, stamp) === 0);
      if (stamp && !written) wrong.push(`${key} has a stamp that nobody gave`);
      if (written && written.value !== item?.value) {
        wrong.push(`${key} is ${item?.value}, and ${written.value} was written at that stamp`);
      }
      // A writer that is still there has what it wrote, so nobody may read anything older.
      const newer = all.filter(
        (write) => up.has(write.by) && (!stamp || compareWriteStamps(write.stamp, stamp) > 0),
      );
      const [lost] = newer.filter(({ value }) => value !== undefined || !mayForget);
      if (lost) wrong.push(`${key}: the write of ${lost.value ?? "a deletion"} is lost`);
    }
    return wrong;
  }

  #set(node: CoresNode, key: string): void {
    const stamp = node.stampFor(key);
    const value = `${node.membership.citizen.name}-${this.#count}`;
    this.#written({ key, stamp, value, by: node });
    node.items.set(key, value, stamp);
  }

  /** Deleting what is not there writes nothing. */
  #delete(node: CoresNode, key: string): void {
    if (node.items.state.get(key) === undefined) return;
    const stamp = node.stampFor(key);
    this.#written({ key, stamp, value: undefined, by: node });
    node.items.delete(key, stamp);
  }

  /** Replicas compare stamps, not values: with one stamp for two writes they would differ unseen. */
  #written(write: Write): void {
    const { key, stamp } = write;
    const given = `${key} ${JSON.stringify(stamp)}`;
    if (this.#given.has(given)) this.#repeated.push(`${key}: ${given} was given to two writes`);
    this.#given.add(given);
    this.writes.push(write);
  }

  #claim(node: CoresNode, name: string): void {
    const generation = Math.floor(this.#random.next() * 3);
    node.names.claim(name, {
      serial: this.#count,
      definition: undefined,
      incarnation: 0,
      generation,
      meta: undefined,
    });
  }
}
