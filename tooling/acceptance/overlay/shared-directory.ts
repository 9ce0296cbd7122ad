/**
 * SharedDirectory: who is in the cluster, as one list for all nodes.
 *
 * In the product every node has a directory of its own, kept equal by gossip; ten thousand of those would measure
 * something else. Here one snapshot stands for all of them. It is as late as they are: who died is listed a while
 * longer, and who starts is listed when it has joined.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";

export class SharedDirectory {
  readonly #listed: NodeId[] = [];
  readonly #places = new Map<NodeId, number>();
  readonly #dead = new Set<NodeId>();

  get size(): number {
    return this.#listed.length;
  }

  add(id: NodeId): void {
    if (this.#places.has(id)) return;
    this.#places.set(id, this.#listed.length);
    this.#listed.push(id);
    this.#dead.delete(id);
  }

  remove(id: NodeId): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const last = this.#listed.pop() as NodeId;
    this.#places.delete(id);
    this.#dead.add(id);
    if (last === id) return;
    this.#listed[place] = last;
    this.#places.set(last, place);
  }

  isDead(id: NodeId): boolean {
    return this.#dead.has(id);
  }

  /** So many different ones, or as many as there are, without the asker. */
  pick(count: number, random: Random, asker?: NodeId): readonly NodeId[] {
    const listed = this.#listed;
    const isListed = asker !== undefined && this.#places.has(asker);
    const others = listed.length - (isListed ? 1 : 0);
    const wanted = Math.min(count, others);
    if (wanted * 2 > others) return this.#shuffled(random, asker).slice(0, wanted);
    const picked = new Set<NodeId>();
    while (picked.size < wanted) {
      const id = listed[random.uint32() % listed.length] as NodeId;
      if (id !== asker) picked.add(id);
    }
    return [...picked];
  }

  #shuffled(random: Random, asker: NodeId | undefined): NodeId[] {
    const others = this.#listed.filter((id) => id !== asker);
    for (let end = others.length - 1; end > 0; end -= 1) {
      const at = random.uint32() % (end + 1);
      const swapped = others[at] as NodeId;
      others[at] = others[end] as NodeId;
      others[end] = swapped;
    }
    return others;
  }
}
