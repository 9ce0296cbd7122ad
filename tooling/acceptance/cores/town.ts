/**
 * Town: which node of a core world is who. A boot's identity is what its disk says: the id stays while the disk is kept,
 * the boot is new each time. The addresses are fixed, as those of pods of a stateful set.
 */
import { createBoot, createNodeId, type Boot, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";

/** One boot of one node, by the names it goes by. */
export interface Citizen {
  readonly node: number;
  readonly id: NodeId;
  readonly boot: Boot;
  readonly address: string;
  readonly name: string;
}

/** What a node writes to its disk. */
export interface Identity {
  readonly id: NodeId;
}

const PORT = ":4369";

export class Town {
  readonly #nodes = new Map<NodeId, number>();
  /** By node and number of the boot, from 1. */
  readonly #citizens: (Citizen | undefined)[][] = [];

  /** Settles who a boot is. */
  settle(node: number, bootNumber: number, known: Identity | undefined, random: Random): Citizen {
    const id = known?.id ?? createNodeId(random);
    const boot = createBoot(bootNumber, random);
    const citizen = { node, id, boot, address: addressOf(node), name: `n${node}` };
    this.#nodes.set(id, node);
    (this.#citizens[node] ??= [])[bootNumber] = citizen;
    return citizen;
  }

  /** The node that has, or had, the id. */
  nodeOf(id: NodeId): number | undefined {
    return this.#nodes.get(id);
  }

  citizen(node: number, bootNumber: number): Citizen {
    const citizen = this.#citizens[node]?.[bootNumber];
    if (!citizen) throw new Error(`Boot ${bootNumber} of node ${node} has no identity yet`);
    return citizen;
  }
}

export function addressOf(node: number): string {
  return `10.0.${node >> 8}.${node & 255}${PORT}`;
}

/** The node at the address; undefined when it is none of the town's. */
export function nodeAt(address: string): number | undefined {
  const match = /^10\.0\.(\d+)\.(\d+):4369$/.exec(address);
  return match ? Number(match[1]) * 256 + Number(match[2]) : undefined;
}
