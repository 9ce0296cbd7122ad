/**
 * SharedLoad: members tell those they are linked to how busy they are, while they are few.
 *
 * What has not moved by LOAD.stepMin is not told again, so a cluster at rest says nothing. Above
 * LOAD.membersMax nobody tells anybody: whoever has to know asks.
 */
import type { NodeId, NodeLoad } from "@foundation/core";
import { LOAD } from "../limits.js";
import { MessageType } from "../protocol/frame.js";
import type { PeerTable } from "./peer-table.js";
import type { World } from "./world.js";

export class SharedLoad {
  readonly #world: World;
  readonly #table: PeerTable;
  readonly #loads = new Map<NodeId, NodeLoad>();
  /** Peers that know what was told last. */
  readonly #knowing = new Set<NodeId>();
  #told: NodeLoad | undefined;

  constructor(world: World, table: PeerTable) {
    this.#world = world;
    this.#table = table;
  }

  /** How busy this node is now; called every few seconds. */
  share(load: NodeLoad, members: number): void {
    this.#loads.set(this.#world.self.id, load);
    if (this.#told === undefined || hasMoved(this.#told, load)) {
      this.#told = load;
      this.#knowing.clear();
    }
    if (members > LOAD.membersMax) return;
    const { eventLoop, processor, memory } = this.#told;
    let payload: Uint8Array | undefined;
    for (const { id, coordination } of this.#table.others()) {
      if (this.#knowing.has(id) || coordination?.isUp !== true || coordination.isOverLimit)
        continue;
      payload ??= this.#world.codec.encode({ load: [eventLoop, processor, memory] });
      coordination.post(MessageType.control, 0, 0, 0, 0, undefined, payload);
      this.#knowing.add(id);
    }
  }

  of(id: NodeId): NodeLoad | undefined {
    return this.#loads.get(id);
  }

  received(from: NodeId, load: unknown): void {
    const parsed = parse(load);
    if (parsed === undefined) return this.#world.metrics.dropped("not-decodable");
    if (this.#table.isMember(from)) this.#loads.set(from, parsed);
  }

  /** What was told on the link may not have come. */
  linkDown(id: NodeId): void {
    this.#knowing.delete(id);
  }

  gone(id: NodeId): void {
    this.#knowing.delete(id);
    this.#loads.delete(id);
  }
}

function hasMoved(from: NodeLoad, to: NodeLoad): boolean {
  const shares = ["eventLoop", "processor", "memory"] as const;
  return shares.some((share) => Math.abs(to[share] - from[share]) >= LOAD.stepMin);
}

function parse(load: unknown): NodeLoad | undefined {
  if (!Array.isArray(load) || load.length < 3) return undefined;
  const [eventLoop, processor, memory] = load.map(shareOf);
  if (eventLoop === undefined || processor === undefined || memory === undefined) return undefined;
  return { eventLoop, processor, memory };
}

function shareOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : undefined;
}
