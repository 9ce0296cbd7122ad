import { describe, expect, test } from "@jest/globals";
import { createNodeId, type NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import fc from "fast-check";
import type { Member } from "../../src/protocol/client-server/effects.js";
import { clientServerLimits } from "../../src/protocol/client-server/limits.js";
import { Plan } from "../../src/protocol/client-server/plan.js";
import { pairScore, rankOf } from "../../src/protocol/client-server/rank.js";
import { ClientServerWorld, type WorldMember } from "../support/client-server-world.js";
import { idOf } from "../support/membership-entries.js";

const loadFactor = clientServerLimits.loadPercentMax / 100;

/** Longer than any wait of the topology: news, retries, patience and grace. */
const quietMs = 120_000;

const fault = fc.record({
  kind: fc.constantFrom("join", "join-server", "crash", "crash-server", "break", "apart", "drain"),
  one: fc.nat(),
  other: fc.nat(),
  waitMs: fc.integer({ min: 0, max: 4_000 }),
});

type Fault = typeof fault extends fc.Arbitrary<infer Kind> ? Kind : never;

const pick = <T>(items: readonly T[], number: number): T => items[number % items.length] as T;

const serversOf = (world: ClientServerWorld): readonly WorldMember[] =>
  world.alive.filter(({ core }) => core.role === "server");

function play(world: ClientServerWorld, { kind, one, other, waitMs }: Fault): void {
  const [first, second] = [pick(world.alive, one), pick(world.alive, other)];
  if (kind === "join") world.join();
  if (kind === "join-server") world.join(["server"]);
  if (kind === "crash" && world.alive.length > 1) world.crash(first);
  if (kind === "crash-server" && world.alive.length > 1) {
    // For a moment nobody may think that it is a server.
    const servers = serversOf(world);
    if (servers.length > 0) world.crash(pick(servers, one));
  }
  if (kind === "break") {
    const links = [...first.links];
    if (links.length > 0) world.breakLink(first, pick(links, other));
  }
  if (kind === "apart") world.keepApart(first, second);
  if (kind === "drain") world.drain(first);
  world.run(waitMs);
}

/** The names of the servers, the same at each node. */
function agreedServers(world: ClientServerWorld): readonly NodeId[] {
  const nodes = world.alive;
  const servers = nodes[0]?.core.plan.servers ?? [];
  for (const { core } of nodes) expect(core.plan.servers).toEqual(servers);
  expect(
    serversOf(world)
      .map(({ id }) => id)
      .sort(),
  ).toEqual([...servers].sort());
  const withRole = nodes.filter(({ member }) => member.roles.includes("server"));
  expect(servers.length).toBeGreaterThan(0);
  if (withRole.length > 0) {
    const ids = withRole.map(({ id }) => id);
    for (const id of servers) expect(ids).toContain(id);
  }
  return servers;
}

function checkClients(world: ClientServerWorld, servers: readonly NodeId[]): void {
  const clients = world.alive.filter(({ core }) => core.role === "client");
  const loads = new Map<NodeId, number>();
  for (const { id, core, links } of clients) {
    const { server, standby } = core;
    expect(servers).toContain(server);
    expect(server).toBe(core.plan.primaryOf(id));
    if (servers.length > 1) expect(servers).toContain(standby);
    // Exactly these two, so none to another client.
    const wanted = servers.length > 1 ? [server, standby] : [server];
    expect([...links].map((link) => link.id).sort()).toEqual(wanted.sort());
    if (server !== undefined) loads.set(server, (loads.get(server) ?? 0) + 1);
  }
  const share = clients.length / servers.length;
  for (const load of loads.values()) {
    expect(load).toBeLessThanOrEqual(Math.ceil(share * loadFactor));
  }
}

describe("client-server topology", () => {
  test("after any churn and link failures servers are meshed and clients have two servers", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fault, { maxLength: 25 }),
        (seed, count, faults) => {
          const world = new ClientServerWorld(seed);
          for (let number = 0; number < count; number += 1) world.join();
          for (const each of faults) play(world, each);
          world.reunite();
          world.run(quietMs);
          const servers = agreedServers(world);
          for (const { id, links } of serversOf(world)) {
            const linked = new Set([...links].map((link) => link.id));
            expect(servers.filter((server) => server !== id && !linked.has(server))).toEqual([]);
          }
          checkClients(world, servers);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a client that is kept from some servers for good has two of the others", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(), { maxLength: 20 }), (seed, pairs) => {
        const world = new ClientServerWorld(seed);
        for (let number = 0; number < 30; number += 1) world.join();
        world.run(quietMs);
        const servers = serversOf(world);
        const clients = world.alive.filter(({ core }) => core.role === "client");
        const apart = new Map<WorldMember, Set<NodeId>>();
        for (const number of pairs) {
          const client = pick(clients, number);
          const kept = apart.get(client) ?? new Set();
          const server = pick(servers, Math.floor(number / clients.length));
          if (kept.size + 2 >= servers.length) continue;
          world.keepApart(client, server);
          apart.set(client, kept.add(server.id));
        }
        world.run(quietMs);
        for (const client of clients) {
          const { server, standby } = client.core;
          const kept = apart.get(client) ?? new Set();
          for (const id of [server, standby]) {
            expect(servers.some((each) => each.id === id)).toBe(true);
            expect(kept.has(id as NodeId)).toBe(false);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test("no client is without a server for a moment while the servers die one by one", () => {
    const world = new ClientServerWorld(7);
    for (let number = 0; number < 120; number += 1) world.join();
    world.run(quietMs);
    for (let deaths = 0; deaths < 11; deaths += 1) {
      const [server] = serversOf(world) as [WorldMember];
      const clients = world.alive.filter(({ core }) => core.server === server.id);
      expect(clients.length).toBeGreaterThan(0);
      world.crash(server);
      for (const { core } of clients) expect(core.server).toBeDefined();
      world.run(quietMs);
    }
    expect(world.failovers).toBeGreaterThan(50);
  });

  test("the same seed plays the same", () => {
    const played = (): unknown => {
      const world = new ClientServerWorld(3);
      for (let number = 0; number < 50; number += 1) world.join();
      world.run(2_000);
      world.crash(pick(serversOf(world), 1));
      world.run(5_000);
      return world.alive.map(({ core, links }) => [
        core.server,
        core.standby,
        [...links].map(({ id }) => id),
      ]);
    };
    expect(played()).toEqual(played());
  });
});

/** The assignment as it is defined: pairs in falling order of score, where both have room. */
function assignment(
  clients: readonly NodeId[],
  servers: readonly NodeId[],
  capacity: number,
): Map<NodeId, NodeId> {
  const pairs = clients.flatMap((client) =>
    servers.map((server) => ({ client, server, score: pairScore(rankOf(client), rankOf(server)) })),
  );
  const byId = (a: NodeId, b: NodeId): number => (a < b ? -1 : a > b ? 1 : 0);
  pairs.sort((a, b) => b.score - a.score || byId(a.server, b.server) || byId(a.client, b.client));
  const taken = new Map<NodeId, NodeId>();
  const loads = new Map<NodeId, number>();
  for (const { client, server } of pairs) {
    const load = loads.get(server) ?? 0;
    if (taken.has(client) || load >= capacity) continue;
    taken.set(client, server);
    loads.set(server, load + 1);
  }
  return taken;
}

const step = fc.record({
  came: fc.array(
    fc.record({
      number: fc.integer({ min: 1, max: 120 }),
      role: fc.boolean(),
      draining: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
    }),
    { maxLength: 30 },
  ),
  gone: fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 20 }),
});

/** Plays steps; with `allowsRole` some members have the role "server". */
function churn(
  plan: Plan,
  steps: readonly (typeof step extends fc.Arbitrary<infer Kind> ? Kind : never)[],
  allowsRole: boolean,
): Map<NodeId, Member> {
  const members = new Map<NodeId, Member>();
  for (const { came, gone } of steps) {
    const left = gone.map(idOf);
    const joined = came.map(({ number, role, draining }) => {
      return { id: idOf(number), roles: role && allowsRole ? ["server"] : [], draining };
    });
    plan.apply(joined, left);
    for (const id of left) members.delete(id);
    for (const member of joined) members.set(member.id, member);
  }
  return members;
}

describe("plan", () => {
  const limits = clientServerLimits;

  test.each([true, false])(
    "after any changes is the one stable assignment of those members (roles: %s)",
    (allowsRole) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
          const plan = new Plan(limits);
          const members = churn(plan, steps, allowsRole);
          const fresh = new Plan(limits);
          fresh.apply([...members.values()].reverse(), []);
          expect(plan.servers).toEqual(fresh.servers);
          expect(plan.capacity).toBe(fresh.capacity);
          const clients = [...members.keys()].filter((id) => !plan.isServer(id));
          const expected = assignment(clients, plan.servers, plan.capacity);
          for (const id of clients) expect(plan.primaryOf(id)).toBe(expected.get(id));
          for (const id of plan.servers) expect(plan.primaryOf(id)).toBeUndefined();
        }),
        { numRuns: 100 },
      );
    },
  );

  test("of 10,000 members stays the same as one made anew, while members come and go", () => {
    const random = seededRandom("plan");
    const members: Member[] = Array.from({ length: 10_000 }, () => {
      return { id: createNodeId(random), roles: [] };
    });
    const plan = new Plan(limits);
    plan.apply(members.slice(0, 9_500), []);
    for (let change = 0; change < 500; change += 1) {
      const gone = members[change] as Member;
      plan.apply([members[9_500 + change] as Member], [gone.id]);
    }
    const rest = members.slice(500);
    const fresh = new Plan(limits);
    fresh.apply(rest, []);
    expect(plan.servers).toEqual(fresh.servers);
    expect(rest.every(({ id }) => plan.primaryOf(id) === fresh.primaryOf(id))).toBe(true);
    const loads = plan.servers.map((id) => plan.loadOf(id));
    const share = (rest.length - plan.servers.length) / plan.servers.length;
    expect(Math.max(...loads)).toBeLessThanOrEqual(Math.ceil(share * loadFactor));
  });

  test("a member that comes or goes moves few clients", () => {
    const random = seededRandom("moves");
    const members: Member[] = Array.from({ length: 1_200 }, () => {
      return { id: createNodeId(random), roles: [] };
    });
    const plan = new Plan(limits);
    plan.apply(members, []);
    const primaries = (): (NodeId | undefined)[] => members.map(({ id }) => plan.primaryOf(id));
    let moved = 0;
    for (const { id } of members.slice(0, 200)) {
      const before = primaries();
      plan.apply([], [id]);
      const after = primaries();
      moved += after.filter((server, index) => {
        return server !== before[index] && members[index]?.id !== id;
      }).length;
      plan.apply([{ id, roles: [] }], []);
    }
    // A server that goes moves its share of about 36; any other member next to nobody.
    expect(moved / 200).toBeLessThan(4);
  });
});
