/**
 * findGroup: which group of a name this node belongs to; founds it, once, where nobody has.
 *
 * The shell of `protocol/founding.ts`: it carries questions and answers between the nodes of the cluster, writes
 * the record before anything that it promises leaves, and asks an arbiter where there is one. It goes on after it
 * is decided: others ask this node, and a newcomer makes itself known until the group has taken it in.
 */
import {
  nodeRuntime,
  parseDuration,
  type Duration,
  type Membership,
  type Messenger,
  type NodeId,
  type Runtime,
} from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Group } from "../group/group.js";
import { membersOf } from "../protocol/raft/configuration.js";
import type { Arbiter } from "./arbiter.js";
import { FoundingShell } from "./founding-shell.js";
import { placeOf, refuseStranger, type GroupPlace } from "./own-place.js";
import { checkedName, readRecord } from "./record-file.js";
import { checkedNames } from "./first-voters.js";
import type { FoundingStanding } from "./protocol/founding-knowledge.js";
import { foundingOf, type FoundingSource } from "./protocol/founding-state.js";
import type { MembershipRecord } from "./protocol/membership-record.js";

/** Where the first voters come from. */
export type FirstVoters =
  /** Names of the first voters, the same on each of them: a StatefulSet's ordinals. All of them must come once. */
  | { readonly type: "voters"; readonly names: readonly string[] }
  /**
   * The first node that puts itself into the arbiter's place is the only first voter; others are added by the
   * keeper.
   */
  | { readonly type: "arbiter"; readonly arbiter: Arbiter }
  /** Others know it, or an operator says `found`. */
  | { readonly type: "others" };

export interface FindGroupOptions {
  /** What the application calls the group, `[a-z0-9._-]`, at most 64 characters. */
  readonly name: string;
  readonly firstVoters: FirstVoters;
  readonly messenger: Messenger;
  readonly membership: Membership;
  /** The node's own disk, where its id is kept too. */
  readonly storage: Storage;
  /** Time, chance, logger. @default Node's */
  readonly runtime?: Partial<Runtime> | undefined;
}

export interface GroupFinder extends AsyncDisposable {
  /** How far it is, in words. */
  standing(): FoundingStanding;
  /**
   * Resolves when it is known which group this node belongs to. Open it, then call `opened`.
   * @throws {ERR_GROUP_UNDECIDED} not in time. @throws {ERR_GROUP_STUCK} somebody must do something first.
   * @throws {ERR_STORAGE} {ERR_ABORTED} {ERR_CLOSED}
   */
  place(options?: {
    readonly signal?: AbortSignal | undefined;
    /** @default 30 s */
    readonly timeout?: Duration | undefined;
  }): Promise<GroupPlace>;
  /** The group is open here: from now on its log must be there. Follows its members. @throws {ERR_STORAGE} */
  opened(group: Pick<Group<unknown>, "status" | "watchStatus">): Promise<void>;
  /**
   * An operator's word, at the node whose name is the first of the sorted list: found the group with these.
   * @throws {ERR_FOUNDING_REFUSED} nothing was changed.
   */
  found(names: readonly string[]): void;
  /** Nodes that are known to have joined the group, members or not. */
  joined(): ReadonlySet<NodeId>;
  /** The record on the disk. */
  readonly record: MembershipRecord | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Finds the node's group, or founds it.
 *
 * @throws {ERR_LOG_DAMAGED} {ERR_LOG_FORMAT} {ERR_STORAGE} when the record cannot be read
 * @throws {ERR_GROUP_STUCK} when the disk belongs to another node, or its log was removed
 * @throws {ERR_FOUNDING_REFUSED} for a list of names that cannot be
 *
 * @example
 * ```ts
 * import { findGroup } from "@foundation/consensus"
 * import { memoryCluster, memoryStorage, virtualClock } from "@foundation/core/testing"
 *
 * const clock = virtualClock()
 * const { messenger, membership } = memoryCluster({ clock, nodes: ["a"] }).node(0)
 * const firstVoters = { type: "voters", names: ["a"] } as const
 * const finder = await findGroup({
 *   name: "orders", firstVoters, messenger, membership, storage: memoryStorage(), runtime: { clock },
 * })
 * const place = await clock.run(finder.place())
 * console.log(place.group, place.firstVoters)
 * ```
 */
export async function findGroup(options: FindGroupOptions): Promise<GroupFinder> {
  const { storage, membership, firstVoters, messenger } = options;
  const name = checkedName(options.name);
  const runtime = nodeRuntime(options.runtime);
  const { self } = membership;
  const record = await readRecord(storage, name);
  if (record) await refuseStranger(storage, record, self.id);
  const setup = {
    name,
    self: { name: self.name, id: self.id },
    boot: self.boot,
    source: sourceOf(name, firstVoters),
    group: `${name}-${Buffer.from(runtime.random.secret(8)).toString("hex")}`,
  };
  const arbiter = firstVoters.type === "arbiter" ? firstVoters.arbiter : undefined;
  const state = foundingOf(setup, record);
  const shell = new FoundingShell({ state, messenger, membership, storage, arbiter, runtime });
  shell.start();
  return {
    standing: () => shell.standing,
    place: async ({ signal, timeout = "30s" } = {}) => {
      return placeOf(await shell.decided(parseDuration(timeout, "timeout"), signal));
    },
    opened: async (group) => {
      await shell.begun();
      void follow(shell, group);
    },
    found: (names) => shell.found(names),
    joined: () => shell.joined(),
    get record() {
      return shell.record;
    },
    close: () => shell.close(),
    [Symbol.asyncDispose]: () => shell.close(),
  };
}

async function follow(
  shell: FoundingShell,
  group: Pick<Group<unknown>, "status" | "watchStatus">,
): Promise<void> {
  try {
    for await (const { configuration } of group.watchStatus({ signal: shell.signal })) {
      shell.members(membersOf(configuration));
    }
  } catch {
    // The group was closed, or this was: nobody asks for its members any more.
  }
}

function sourceOf(name: string, firstVoters: FirstVoters): FoundingSource {
  if (firstVoters.type !== "voters") return { type: firstVoters.type };
  return { type: "voters", names: checkedNames(name, firstVoters.names) };
}
