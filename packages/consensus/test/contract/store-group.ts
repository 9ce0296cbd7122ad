/** Three members of one group in one process, each with an engine: over memory links and disks, on a virtual clock. */
import {
  memoryCluster,
  memoryRuntime,
  memoryStorage,
  seededRandom,
  virtualClock,
} from "@foundation/core/testing";
import type { Group } from "../../src/group/group.js";
import { messengerLink } from "../../src/group/messenger-link.js";
import { type GroupOptions, openGroup } from "../../src/group/open-group.js";
import type { StoreResponse } from "../../src/protocol/store/replicated-store.js";
import { createGroupEngine, type GroupEngine } from "../../src/store/group-engine.js";
import { createStoreMachine, type StoreMachine } from "../../src/store/store-machine.js";

const GROUP = "store-1";

export interface StoreMember {
  readonly name: string;
  readonly group: Group<StoreResponse>;
  readonly machine: StoreMachine;
  /** How often it began with a snapshot. */
  readonly restores: number;
  /** A new engine over this member. */
  engine(): GroupEngine;
}

type Options = Partial<Pick<GroupOptions<StoreResponse>, "limits" | "times" | "raft">>;

export class StoreGroup {
  readonly clock = virtualClock();
  readonly cluster;
  readonly members: StoreMember[] = [];
  readonly #storages = new Map<string, ReturnType<typeof memoryStorage>>();
  readonly #options: Options;

  readonly #names: readonly string[];

  private constructor(size: number, options: Options, outside: readonly string[]) {
    this.#names = Array.from({ length: size }, (_, i) => `node-${i + 1}`);
    const nodes = [...this.#names, ...outside];
    this.cluster = memoryCluster({ clock: this.clock, nodes, detectionMs: 50 });
    this.#options = options;
  }

  /** @param outside nodes of the cluster that are no members */
  static async open(
    size = 3,
    options: Options = {},
    outside: readonly string[] = [],
  ): Promise<StoreGroup> {
    const group = new StoreGroup(size, options, outside);
    for (const name of group.#names) await group.start(name);
    await group.leader();
    return group;
  }

  /** Opens a member, on what its disk holds. */
  async start(name: string): Promise<StoreMember> {
    const { clock, cluster } = this;
    const { messenger, membership } = cluster.node(name);
    const before = this.#storages.get(name);
    const storage = before?.reopen() ?? memoryStorage({ random: seededRandom(name) });
    this.#storages.set(name, storage);
    const machine = createStoreMachine();
    const restored = countRestores(machine);
    const group = await clock.run(
      openGroup<StoreResponse>({
        ...this.#options,
        group: GROUP,
        link: messengerLink({ messenger, membership, group: GROUP }),
        machine,
        storage,
        firstVoters: this.#names.map((each) => cluster.node(each).id),
        runtime: memoryRuntime({ clock, seed: name }),
      }),
    );
    const engine = () => createGroupEngine({ group, machine, clock });
    const member: StoreMember = {
      name,
      group,
      machine,
      engine,
      get restores() {
        return restored.count;
      },
    };
    const others = this.members.filter((other) => other.name !== name);
    this.members.splice(0, this.members.length, ...others, member);
    return member;
  }

  /** Power fails on a member. */
  async crash(name: string): Promise<void> {
    const storage = this.#storages.get(name);
    this.cluster.down(name);
    storage?.crash();
    await storage?.close();
    const others = this.members.filter((other) => other.name !== name);
    this.members.splice(0, this.members.length, ...others);
  }

  async restart(name: string): Promise<StoreMember> {
    this.cluster.restart(name);
    return this.start(name);
  }

  /** The member that leads, when one does. */
  async leader(): Promise<StoreMember> {
    for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
      const leader = this.members.find(({ group }) => group.status().role === "leader");
      if (leader) return leader;
      await this.clock.advance(50);
    }
    throw new Error("nobody leads");
  }

  async follower(): Promise<StoreMember> {
    const leader = await this.leader();
    const follower = this.members.find((member) => member !== leader);
    if (!follower) throw new Error("nobody follows");
    return follower;
  }

  async close(): Promise<void> {
    await this.clock.run(Promise.all(this.members.map(({ group }) => group.close())));
  }
}

function countRestores(machine: StoreMachine): { count: number } {
  const restored = { count: 0 };
  const restore = machine.restore.bind(machine);
  machine.restore = (chunks) => {
    restored.count += 1;
    return restore(chunks);
  };
  return restored;
}
