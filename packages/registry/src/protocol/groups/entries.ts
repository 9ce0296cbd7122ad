/**
 * Entries of groups: how memberships are written, and the check of what a peer wrote.
 *
 * Two kinds, as there are two kinds of members. A process that is only itself is written by its own node, into that
 * node's shard: it goes when the node goes. A child of the distributed supervisor is written under its identity, into a
 * map that every node may write: it stays a member through crashes, takeovers and migrations, and is absent while its
 * identity runs nowhere. Both carry plain data beside them.
 */

/** What stands in a node's shard under `processKey`. */
export interface ProcessEntry {
  readonly meta: unknown;
}

/** What stands in the shared map under `identityKey`. */
export interface IdentityEntry {
  /** Of the child when it joined: a later start of the same name by a user is no member. */
  readonly incarnation: number;
  readonly meta: unknown;
}

/** The key of a process's membership in its node's shard. */
export function processKey(serial: number, group: string): string {
  return `${serial}:${group}`;
}

/** What a shard's key says, or undefined when it is not one. */
export function parseProcessKey(key: string): { serial: number; group: string } | undefined {
  const end = key.indexOf(":");
  const serial = Number(key.slice(0, end));
  const group = key.slice(end + 1);
  return end > 0 && Number.isSafeInteger(serial) && serial >= 0 && group.length > 0
    ? { serial, group }
    : undefined;
}

/** The key of an identity's membership in the shared map. Both may hold any sign, so the first is counted. */
export function identityKey(group: string, identity: string): string {
  return `${group.length}:${group}${identity}`;
}

/** What a map's key says, or undefined when it is not one. */
export function parseIdentityKey(key: string): { group: string; identity: string } | undefined {
  const end = key.indexOf(":");
  const length = Number(key.slice(0, end));
  if (end <= 0 || !Number.isSafeInteger(length) || length < 1) return undefined;
  const group = key.slice(end + 1, end + 1 + length);
  const identity = key.slice(end + 1 + length);
  return group.length === length && identity.length > 0 ? { group, identity } : undefined;
}

/** Checks what arrived from a peer. */
export function parseProcessEntry(value: unknown): ProcessEntry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return { meta: (value as Partial<ProcessEntry>).meta };
}

/** Checks what arrived from a peer. */
export function parseIdentityEntry(value: unknown): IdentityEntry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { incarnation, meta } = value as Partial<IdentityEntry>;
  if (typeof incarnation !== "number" || !Number.isSafeInteger(incarnation)) return undefined;
  return { incarnation, meta };
}
