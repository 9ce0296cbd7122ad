import { describe, expect, test } from "@jest/globals";
import type { NodeId, NodeLoad } from "@foundation/core";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import { LoadedMembers } from "../../../src/runtime/loaded-members.js";

describe("members with their load", () => {
  const load: NodeLoad = { eventLoop: 0.5, processor: 0.2, memory: 0.1 };

  test("have it once it was told, in a list that is the same until something changes", () => {
    const { membership } = memoryCluster({ clock: virtualClock(), nodes: 2 }).node(0);
    const loads = new Map<NodeId, NodeLoad>();
    const members = new LoadedMembers(membership, (id) => loads.get(id));
    const before = members.list();
    expect(before.map((member) => member.load)).toEqual([undefined, undefined]);
    expect(members.list()).toBe(before);
    loads.set(membership.self.id, load);
    const after = members.list();
    expect(after.find(({ id }) => id === membership.self.id)?.load).toEqual(load);
    expect(members.list()).toBe(after);
    expect(members.of(membership.self).load).toEqual(load);
  });
});
