/** Nodes, members and specs for tests of the pure core. */
import { parseBoot, parseNodeId, type Member } from "@foundation/core";
import type { ChildSpec, Owner } from "../../../src/protocol/child-spec.js";

/** The node with this number, in its boot with that number. */
export function owner(node: number, boot = 1): Owner {
  return {
    node: parseNodeId(node.toString(16).padStart(32, "0")),
    boot: parseBoot(boot.toString(16).padStart(24, "0")),
  };
}

export function member(node: number, more: Partial<Member> & { bootNumber?: number } = {}): Member {
  const { bootNumber = 1, ...fields } = more;
  const { node: id, boot } = owner(node, bootNumber);
  return {
    id,
    boot,
    name: `n${node}`,
    address: `memory://n${node}`,
    roles: [],
    labels: {},
    status: "alive",
    ...fields,
  };
}

export function spec(fields: Partial<ChildSpec> = {}): ChildSpec {
  return {
    identity: "orders",
    definition: "counter",
    args: { from: 0 },
    restart: "permanent",
    on: undefined,
    meta: undefined,
    incarnation: 1,
    generation: 1,
    owner: owner(1),
    state: "running",
    reason: undefined,
    ...fields,
  };
}

/** What a view's `isMember` is for a list of members. */
export function isIn(members: readonly Member[]): (of: Owner) => boolean {
  return ({ node, boot }) => members.some((each) => each.id === node && each.boot === boot);
}
