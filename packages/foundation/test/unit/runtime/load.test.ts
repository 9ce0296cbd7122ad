import { describe, expect, test } from "@jest/globals";
import type { Host, NodeId, NodeLoad } from "@foundation/core";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import { LoadedMembers } from "../../../src/runtime/loaded-members.js";
import { loadProbe } from "../../../src/runtime/load-probe.js";

describe("a node's load", () => {
  test("is measured between two looks, in shares from 0 to 1", () => {
    const probe = loadProbe({});
    const until = performance.now() + 30;
    while (performance.now() < until);
    const { eventLoop, processor, memory } = probe();
    expect(processor).toBeGreaterThan(0);
    expect(processor).toBeLessThanOrEqual(1);
    expect(eventLoop).toBeLessThanOrEqual(1);
    expect(memory).toBeGreaterThanOrEqual(0);
    expect(memory).toBeLessThan(1);
  });

  test("is that of no process, where many nodes are simulated in one", () => {
    expect(loadProbe({ host: {} as Host })()).toEqual({ eventLoop: 0, processor: 0, memory: 0 });
  });
});

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
