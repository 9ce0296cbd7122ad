/** A town: nodes of a memory cluster that find their group, open it, and keep its voters, on memory disks. */
import type { NodeId } from "@foundation/core";
import {
  memoryCluster,
  memoryRuntime,
  memoryStorage,
  virtualClock,
  type MemoryCluster,
  type MemoryClusterNode,
  type MemoryStorage,
  type RecordingLogger,
  type VirtualClock,
} from "@foundation/core/testing";
import type { Group } from "../../../src/group/group.js";
import { messengerLink } from "../../../src/group/messenger-link.js";
import { openGroup } from "../../../src/group/open-group.js";
import {
  findGroup,
  type FirstVoters,
  type GroupFinder,
} from "../../../src/membership/group-place.js";
import {
  keepVoters,
  type KeepVotersOptions,
  type VoterKeeper,
} from "../../../src/membership/keeper.js";
import { Journal } from "../group/rig.js";

export interface House {
  readonly name: string;
  readonly id: NodeId;
  readonly disk: MemoryStorage;
  readonly finder: GroupFinder;
  readonly logger: RecordingLogger;
  group?: Group<string>;
  machine?: Journal;
  keeper?: VoterKeeper;
}

export class Town {
  readonly clock: VirtualClock = virtualClock();
  readonly cluster: MemoryCluster;
  readonly houses = new Map<string, House>();
  readonly #replaced = new Map<string, MemoryClusterNode>();
  #starts = 0;

  constructor(names: readonly string[]) {
    this.cluster = memoryCluster({ clock: this.clock, nodes: names, detectionMs: 50 });
  }

  /** The node looks for its group. */
  async find(
    name: string,
    firstVoters: FirstVoters,
    disk: MemoryStorage = memoryStorage(),
  ): Promise<House> {
    const { id, messenger, membership } = this.#node(name);
    this.#starts += 1;
    const runtime = memoryRuntime({ clock: this.clock, seed: `${name} ${this.#starts}` });
    const parts = { name: "orders", firstVoters, messenger, membership, storage: disk, runtime };
    const finder = await findGroup(parts);
    const house: House = { name, id, disk, finder, logger: runtime.logger };
    this.houses.set(name, house);
    return house;
  }

  /** Waits for the decision and opens the group. */
  async open(house: House, keep?: Pick<KeepVotersOptions, "policy" | "dryRun">): Promise<House> {
    const { finder, disk, name } = house;
    const place = await this.clock.run(finder.place());
    const { messenger, membership } = this.#node(name);
    const runtime = memoryRuntime({ clock: this.clock, seed: `group ${name} ${this.#starts}` });
    const { group } = place;
    const link = messengerLink({ messenger, membership, group });
    const machine = new Journal();
    house.machine = machine;
    house.group = await this.clock.run(
      openGroup({ ...place, link, machine, storage: disk, runtime }),
    );
    await this.clock.run(finder.opened(house.group));
    if (!keep) return house;
    const joined = (): ReadonlySet<NodeId> => finder.joined();
    const kept = {
      group: house.group,
      membership,
      joined,
      runtime: { ...runtime, logger: house.logger },
    };
    house.keeper = keepVoters({ ...kept, ...keep });
    return house;
  }

  /** Another node takes the name: what starts there next has a new id. */
  replace(name: string): NodeId {
    const node = this.cluster.add({ name });
    this.#replaced.set(name, node);
    return node.id;
  }

  #node(name: string): MemoryClusterNode {
    return this.#replaced.get(name) ?? this.cluster.node(name);
  }

  at(name: string): House {
    const house = this.houses.get(name);
    if (!house) throw new Error(`nobody lives at ${name}`);
    return house;
  }

  /** The node ends at once; nothing of it runs any more. */
  down(name: string): MemoryStorage {
    const { disk } = this.at(name);
    this.cluster.down(this.#node(name));
    this.houses.delete(name);
    disk.crash();
    return disk.reopen();
  }

  /** Lets time pass until the condition holds. */
  async until(condition: () => boolean, withinMs = 60_000): Promise<void> {
    const end = this.clock.now() + withinMs;
    while (!condition()) {
      if (this.clock.now() > end) throw new Error("it did not come about in time");
      await this.clock.advance(50);
    }
  }

  get leader(): House | undefined {
    const all = [...this.houses.values()];
    return all.find(({ group }) => group?.status().role === "leader");
  }

  async close(): Promise<void> {
    for (const { keeper, group, finder } of this.houses.values()) {
      await this.clock.run(keeper?.close() ?? Promise.resolve());
      await this.clock.run(finder.close());
      await this.clock.run(group?.close() ?? Promise.resolve());
    }
  }
}
