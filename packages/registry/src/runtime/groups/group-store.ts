/**
 * GroupStore: the memberships of the cluster, kept in two replicated stores and read from one index.
 *
 * Processes are written into their own node's shard, and taken out when they end. Identities are written into a map of
 * all; whoever sees that an identity was stopped for good and is the first of the members, or its last owner, takes it
 * out: twice does no harm, and no node has to live for it.
 *
 * Invariants: what this node writes it reads at once; the index depends only on the stores and on where identities run.
 * Limits: `groupsMax`, `groupMembersMax`, counted by what this node knows: two nodes may exceed them together by what
 * they do at one moment.
 */
import type { Pid } from "@foundation/core";
import type { OwnedChange, OwnedStore, ReplicatedMap, StateMapChange } from "@foundation/crdt";
import { registryErrors } from "../../errors.js";
import {
  identityKey,
  parseIdentityEntry,
  parseIdentityKey,
  parseProcessEntry,
  parseProcessKey,
  processKey,
} from "../../protocol/groups/entries.js";
import {
  GroupIndex,
  keyOfIdentity,
  keyOfProcess,
  type GroupChange,
} from "../../protocol/groups/group-index.js";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { isLocal, type Wiring } from "../wiring.js";

/** Where the identities of distributed children are. */
export interface Identities {
  spec(identity: string): ChildSpec | undefined;
  locate(identity: string): Pid | undefined;
  /** Calls the listener with each name that may lead elsewhere now, or whose child's spec changed. */
  subscribe(listener: (identity: string) => void): () => void;
}

/** The stores under the groups. The shard's keys begin with `PREFIX`: others write there too. */
export interface GroupStores {
  readonly processes: OwnedStore<unknown>;
  readonly identities: ReplicatedMap<unknown>;
}

const PREFIX = "g:";

/** Memberships of the cluster. */
export class GroupStore {
  readonly index = new GroupIndex();
  readonly #wiring: Wiring;
  readonly #stores: GroupStores;
  readonly #identities: Identities;
  readonly #onChange: (change: GroupChange) => void;
  readonly #stops: (() => void)[];
  /** Monitors of the members of this node, by serial. */
  readonly #monitors = new Map<number, () => void>();

  constructor(
    wiring: Wiring,
    stores: GroupStores,
    identities: Identities,
    onChange: (change: GroupChange) => void,
  ) {
    this.#wiring = wiring;
    this.#stores = stores;
    this.#identities = identities;
    this.#onChange = onChange;
    this.#stops = [
      stores.processes.subscribe((change) => this.#onProcess(change)),
      stores.identities.subscribe((change) => this.#onIdentity(change)),
      identities.subscribe((identity) => this.#onMoved(identity)),
    ];
  }

  /** A process of this node joins. @throws {ERR_GROUP_FULL} @throws {ERR_NOT_ENCODABLE} */
  joinProcess(group: string, pid: Pid, meta: unknown): void {
    this.#checkRoom(group, keyOfProcess(pid));
    this.#stores.processes.set(PREFIX + processKey(pid.serial, group), { meta });
    if (this.#monitors.has(pid.serial)) return;
    this.#monitors.set(
      pid.serial,
      this.#wiring.kernel.monitor(pid, () => this.#ended(pid)),
    );
  }

  /** A distributed child joins by its identity. @throws {ERR_GROUP_FULL} @throws {ERR_NOT_ENCODABLE} */
  joinIdentity(group: string, { identity, incarnation }: ChildSpec, meta: unknown): void {
    this.#checkRoom(group, keyOfIdentity(identity));
    this.#stores.identities.set(identityKey(group, identity), { incarnation, meta });
  }

  /** A process of this node leaves; false when it was no member. */
  leaveProcess(group: string, pid: Pid): boolean {
    const left = this.#stores.processes.delete(PREFIX + processKey(pid.serial, group));
    if (this.index.ofMember(keyOfProcess(pid)).length === 0) this.#forget(pid.serial);
    return left;
  }

  leaveIdentity(group: string, identity: string): boolean {
    return this.#stores.identities.delete(identityKey(group, identity));
  }

  /** The child as whose identity a name stands now. */
  childOf(name: string | undefined): ChildSpec | undefined {
    const spec = name === undefined ? undefined : this.#identities.spec(name);
    return spec?.state === "running" ? spec : undefined;
  }

  /** Where an identity is at this moment. */
  locate(identity: string): Pid | undefined {
    return this.#identities.locate(identity);
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const stop of this.#monitors.values()) stop();
    this.#monitors.clear();
  }

  #checkRoom(group: string, key: string): void {
    if (this.index.get(group, key) !== undefined) return;
    const { groupsMax, groupMembersMax } = this.#wiring.limits;
    const members = this.index.sizeOf(group);
    if (members >= groupMembersMax) throw full(group, groupMembersMax, "members");
    if (members === 0 && this.index.size >= groupsMax) throw full(group, groupsMax, "groups");
  }

  #ended(pid: Pid): void {
    this.#forget(pid.serial);
    for (const { group } of this.index.ofMember(keyOfProcess(pid))) {
      this.#stores.processes.delete(PREFIX + processKey(pid.serial, group));
    }
  }

  #forget(serial: number): void {
    this.#monitors.get(serial)?.();
    this.#monitors.delete(serial);
  }

  #onProcess(change: OwnedChange<unknown>): void {
    if (!change.key.startsWith(PREFIX)) return;
    const parsed = parseProcessKey(change.key.slice(PREFIX.length));
    if (parsed === undefined) return;
    const { group, serial } = parsed;
    const pid = { node: change.owner, boot: change.boot, serial };
    const key = keyOfProcess(pid);
    const entry = change.type === "removed" ? undefined : parseProcessEntry(change.value);
    if (entry === undefined) return this.#tell(this.index.remove(group, key));
    this.#tell(this.index.put({ group, key, identity: undefined, meta: entry.meta, pid }));
  }

  #onIdentity(change: StateMapChange<unknown>): void {
    const parsed = parseIdentityKey(change.key);
    if (parsed === undefined) return;
    const { group, identity } = parsed;
    const key = keyOfIdentity(identity);
    const entry = change.type === "delete" ? undefined : parseIdentityEntry(change.value);
    if (entry === undefined) return this.#tell(this.index.remove(group, key));
    this.#put(group, identity);
  }

  #onMoved(identity: string): void {
    const memberships = this.index.ofMember(keyOfIdentity(identity));
    if (memberships.length === 0) return;
    for (const { group } of memberships) this.#put(group, identity);
  }

  /** Looks at an identity's membership anew: where it runs, and whether it is over. */
  #put(group: string, identity: string): void {
    const entry = parseIdentityEntry(this.#stores.identities.get(identityKey(group, identity)));
    if (entry === undefined) return;
    const { incarnation, meta } = entry;
    const spec = this.#identities.spec(identity);
    const isOver =
      spec !== undefined && (spec.incarnation > incarnation || spec.state === "stopped");
    const isSame = spec?.incarnation === incarnation && spec.state === "running";
    const pid = isSame ? this.#identities.locate(identity) : undefined;
    const key = keyOfIdentity(identity);
    this.#tell(this.index.put({ group, key, identity, meta, pid }));
    if (isOver && this.#cleansUp(spec)) this.leaveIdentity(group, identity);
  }

  /** One of a few is enough to take out what is over, and each of them may be gone. */
  #cleansUp({ owner }: ChildSpec): boolean {
    const { self, membership } = this.#wiring;
    return membership.members()[0]?.id === self.node || isLocal({ ...owner, serial: 0 }, self);
  }

  #tell(change: GroupChange | undefined): void {
    if (change !== undefined) this.#onChange(change);
  }
}

function full(group: string, limit: number, what: "members" | "groups"): Error {
  const text =
    what === "members"
      ? `Group "${group}" has ${limit} members, its limit (limits.groupMembersMax)`
      : `The cluster has ${limit} groups, its limit (limits.groupsMax): "${group}" would be one more`;
  return registryErrors.ERR_GROUP_FULL(`${text}; nobody joined`, { group, limit, what });
}
