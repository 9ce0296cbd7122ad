/**
 * GroupIndex: the memberships of the cluster by group and by member, and where each member is now.
 *
 * It holds what the stores said last and turns news into events: somebody joined, left, or is elsewhere. A member whose
 * identity runs nowhere is kept and not shown, so that it is back the moment it runs again.
 *
 * Invariants: a member is shown at most once in a group; the events of a group, applied in order to what it was, give
 * what it is.
 */
import type { Pid } from "@foundation/core";

/** One membership: of a process, or of the identity of a distributed child. */
export interface Membership {
  readonly group: string;
  /** Unique in its group: `#node/boot/serial`, or `=` and the identity. */
  readonly key: string;
  readonly identity: string | undefined;
  readonly meta: unknown;
  /** Where it is now; undefined while it runs nowhere. */
  readonly pid: Pid | undefined;
}

/** A change of what is shown of a group. */
export type GroupChange =
  | { readonly type: "joined"; readonly member: Membership }
  /** The same identity runs elsewhere now, or its metadata changed. */
  | { readonly type: "changed"; readonly member: Membership; readonly previous: Membership }
  | { readonly type: "left"; readonly member: Membership };

/** The key of a process that is only itself. */
export function keyOfProcess({ node, boot, serial }: Pid): string {
  return `#${node}/${boot}/${serial}`;
}

/** The key of a distributed child. */
export function keyOfIdentity(identity: string): string {
  return `=${identity}`;
}

export class GroupIndex {
  readonly #groups = new Map<string, Map<string, Membership>>();
  /** Most are members of one group: those have no map of their own. */
  readonly #byMember = new Map<string, Membership | Map<string, Membership>>();

  /** Groups with at least one membership. */
  get size(): number {
    return this.#groups.size;
  }

  /** Memberships of a group, those that run nowhere too. */
  sizeOf(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  get(group: string, key: string): Membership | undefined {
    return this.#groups.get(group)?.get(key);
  }

  /** Every membership of a group, in the order this node learnt of them. */
  of(group: string): Iterable<Membership> {
    return this.#groups.get(group)?.values() ?? [];
  }

  /** Every membership of one member. */
  ofMember(key: string): readonly Membership[] {
    const found = this.#byMember.get(key);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }

  /** Every membership of whoever runs as that process, by its identity too. */
  ofPid(pid: Pid): readonly Membership[] {
    const found: Membership[] = [];
    for (const members of this.#groups.values()) {
      for (const member of members.values()) if (samePid(member.pid, pid)) found.push(member);
    }
    return found;
  }

  /** Groups with a member that runs. */
  *shown(): Iterable<string> {
    for (const [group, members] of this.#groups) {
      for (const { pid } of members.values()) {
        if (pid === undefined) continue;
        yield group;
        break;
      }
    }
  }

  /** Takes a membership as it is now; gives what that changed for those who look. */
  put(membership: Membership): GroupChange | undefined {
    const { group, key } = membership;
    const previous = this.get(group, key);
    let members = this.#groups.get(group);
    if (members === undefined) this.#groups.set(group, (members = new Map()));
    members.set(key, membership);
    this.#putByMember(membership);
    return changeOf(previous, membership);
  }

  /** The membership is gone. */
  remove(group: string, key: string): GroupChange | undefined {
    const previous = this.get(group, key);
    if (previous === undefined) return undefined;
    const members = this.#groups.get(group);
    members?.delete(key);
    if (members?.size === 0) this.#groups.delete(group);
    const found = this.#byMember.get(key);
    if (found instanceof Map && found.size > 1) found.delete(group);
    else this.#byMember.delete(key);
    return changeOf(previous, undefined);
  }

  #putByMember(membership: Membership): void {
    const { group, key } = membership;
    const found = this.#byMember.get(key);
    if (found instanceof Map) found.set(group, membership);
    else if (found === undefined || found.group === group) this.#byMember.set(key, membership);
    else {
      const both = new Map([
        [found.group, found],
        [group, membership],
      ]);
      this.#byMember.set(key, both);
    }
  }
}

function changeOf(
  previous: Membership | undefined,
  next: Membership | undefined,
): GroupChange | undefined {
  const was = previous?.pid === undefined ? undefined : previous;
  const is = next?.pid === undefined ? undefined : next;
  if (is === undefined) return was && { type: "left", member: was };
  if (was === undefined) return { type: "joined", member: is };
  if (samePid(is.pid, was.pid) && is.meta === was.meta) return undefined;
  return { type: "changed", member: is, previous: was };
}

function samePid(a: Pid | undefined, b: Pid | undefined): boolean {
  return a?.serial === b?.serial && a?.node === b?.node && a?.boot === b?.boot;
}
