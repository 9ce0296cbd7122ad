/**
 * Contracts: what each node says a definition is, and which nodes mean the same by one name and version.
 *
 * Two versions of a definition may differ: that is an upgrade. Two different contracts of one name and version are a
 * mistake of a deployment, and what one node means must not run on another that means something else. Of several
 * contracts that of most nodes counts, of equally many that of the node that started first: whoever comes later, with
 * another one, takes nothing over.
 *
 * Invariant: which contract counts does not depend on the order of what the nodes say, so all nodes agree once they know
 * the same.
 */
import type { Boot, NodeId } from "@foundation/core";

/** Handlers a node tells of, of each kind: what is beyond is not named in messages to people. */
const HANDLERS_TOLD_MAX = 100;

/** What a node says of a definition. */
export interface Contract {
  readonly version: number;
  readonly contract: string;
  readonly calls: readonly string[];
  readonly casts: readonly string[];
}

export interface Holder extends Contract {
  readonly owner: NodeId;
  readonly boot: Boot;
}

export function contractToTell(
  contract: string,
  version: number,
  calls: readonly string[],
  casts: readonly string[],
): Contract {
  const some = (names: readonly string[]) => names.slice(0, HANDLERS_TOLD_MAX);
  return { version, contract, calls: some(calls), casts: some(casts) };
}

/** Checks what arrived: a peer of another version may have written anything. */
export function parseContract(value: unknown): Contract | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { version, contract, calls, casts } = value as Partial<Contract>;
  const isWhole = typeof version === "number" && Number.isSafeInteger(version) && version >= 0;
  if (!isWhole || typeof contract !== "string") return undefined;
  return { version, contract, calls: textsOf(calls), casts: textsOf(casts) };
}

/** The holders whose contract counts among those of their version. */
export function counted(holders: readonly Holder[]): readonly Holder[] {
  const winners = new Map<number, string>();
  for (const version of new Set(holders.map((holder) => holder.version))) {
    const peers = holders.filter((holder) => holder.version === version);
    const [first] = [...new Set(peers.map(({ contract }) => contract))].sort((a, b) =>
      precedence(peers, a, b),
    );
    if (first !== undefined) winners.set(version, first);
  }
  return holders.filter(({ version, contract }) => winners.get(version) === contract);
}

/** What differs between two contracts of one name and version, for people. */
export function differenceOf(own: Contract, other: Contract): string {
  const parts = [
    ...missing("call", own.calls, other.calls),
    ...missing("cast", own.casts, other.casts),
  ];
  return parts.length === 0 ? "their handlers differ" : parts.join("; ");
}

function precedence(peers: readonly Holder[], a: string, b: string): number {
  const of = (contract: string) => peers.filter((peer) => peer.contract === contract);
  const oldest = (contract: string) =>
    of(contract).reduce((least, { boot }) => (boot < least ? boot : least), "~");
  const byCount = of(b).length - of(a).length;
  if (byCount !== 0) return byCount;
  if (oldest(a) !== oldest(b)) return oldest(a) < oldest(b) ? -1 : 1;
  return a < b ? -1 : 1;
}

function* missing(kind: string, own: readonly string[], other: readonly string[]) {
  const here = own.filter((name) => !other.includes(name));
  const there = other.filter((name) => !own.includes(name));
  if (here.length > 0) yield `only this node's has the ${kind} ${here.join(", ")}`;
  if (there.length > 0) yield `only the other's has the ${kind} ${there.join(", ")}`;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((text): text is string => typeof text === "string")
    : [];
}
