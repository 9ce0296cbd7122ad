import { describe, expect, test } from "@jest/globals";
import type { Member } from "../../../../src/protocol/client-server/effects.js";
import { clientServerLimits as limits } from "../../../../src/protocol/client-server/limits.js";
import { Plan } from "../../../../src/protocol/client-server/plan.js";
import { idOf } from "../../../support/membership-entries.js";

const membersOf = (count: number, change: Partial<Member> = {}): Member[] =>
  Array.from({ length: count }, (_, index) => ({ id: idOf(index + 1), roles: [], ...change }));

function planOf(...members: readonly Member[]): Plan {
  const plan = new Plan(limits);
  plan.apply(members, []);
  return plan;
}

describe("servers", () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [9, 3],
    [10, 4],
    [100, 10],
    [961, 31],
    [962, 32],
    [5_000, 32],
  ])("of %d members without the role are %d", (members, servers) => {
    expect(planOf(...membersOf(members)).servers).toHaveLength(servers);
  });

  test("are those with the role, where one has it", () => {
    const plan = planOf(
      ...membersOf(50),
      { id: idOf(51), roles: ["server"] },
      { id: idOf(52), roles: ["x", "server"] },
    );
    expect([...plan.servers].sort()).toEqual([idOf(51), idOf(52)]);
    plan.apply([], [idOf(51)]);
    expect(plan.servers).toEqual([idOf(52)]);
    plan.apply([], [idOf(52)]);
    expect(plan.servers).toHaveLength(8);
  });

  test("are at most 256 of those with the role", () => {
    expect(planOf(...membersOf(300, { roles: ["server"] })).servers).toHaveLength(256);
  });

  test("are not the ones with the lowest ids", () => {
    const lowest = membersOf(100).slice(0, 10);
    const { servers } = planOf(...membersOf(100));
    expect(lowest.filter(({ id }) => servers.includes(id)).length).toBeLessThan(5);
  });

  test("are not draining, unless nobody else is there", () => {
    const plan = planOf(...membersOf(30));
    const [first] = plan.servers as [Member["id"]];
    plan.apply([{ id: first, roles: [], draining: true }], []);
    expect(plan.isServer(first)).toBe(false);
    expect(plan.servers).toHaveLength(6);
    const all = planOf(...membersOf(4, { draining: true }));
    expect(all.servers.length).toBeGreaterThan(0);
  });

  test("of one cluster are the same whatever the order in which members were heard of", () => {
    const members = membersOf(200);
    const one = planOf(...members);
    const other = new Plan(limits);
    for (const member of [...members].reverse()) other.apply([member], []);
    expect(other.servers).toEqual(one.servers);
  });
});

describe("members", () => {
  test("beyond the limit are refused and counted", () => {
    const plan = new Plan({ ...limits, membersMax: 10 });
    expect(plan.apply(membersOf(12), [])).toBe(2);
    expect(plan.members).toBe(10);
    expect(plan.apply([{ id: idOf(12), roles: [] }], [idOf(1)])).toBe(0);
    expect(plan.knows(idOf(12))).toBe(true);
  });

  test("that are no server go to one that is not overloaded", () => {
    const plan = planOf(...membersOf(500));
    const loads = plan.servers.map((id) => plan.loadOf(id));
    const clients = 500 - plan.servers.length;
    expect(loads.reduce((sum, load) => sum + load)).toBe(clients);
    expect(Math.max(...loads)).toBeLessThanOrEqual(
      Math.ceil((clients / plan.servers.length) * 1.25),
    );
    expect(Math.min(...loads)).toBeGreaterThan(0);
  });

  test("may be linked unless both are clients", () => {
    const plan = planOf(...membersOf(50));
    const [server] = plan.servers as [Member["id"]];
    const [one, other] = membersOf(50)
      .map(({ id }) => id)
      .filter((id) => !plan.isServer(id)) as [Member["id"], Member["id"]];
    expect(plan.mayLink(one, other)).toBe(false);
    expect(plan.mayLink(one, server)).toBe(true);
    expect(plan.mayLink(server, one)).toBe(true);
    expect(plan.mayLink(one, idOf(999))).toBe(true);
  });

  test("that all leave are no plan any more", () => {
    const plan = planOf(...membersOf(20));
    plan.apply(
      [],
      membersOf(20).map(({ id }) => id),
    );
    expect([plan.members, plan.servers]).toEqual([0, []]);
  });
});
