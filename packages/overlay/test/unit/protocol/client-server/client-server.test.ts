import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { ClientServer } from "../../../../src/protocol/client-server/client-server.js";
import type {
  ClientServerEffect,
  ClientServerInput,
  Member,
} from "../../../../src/protocol/client-server/effects.js";
import {
  clientServerLimits,
  clientServerTimes as times,
} from "../../../../src/protocol/client-server/limits.js";
import { Plan } from "../../../../src/protocol/client-server/plan.js";
import { DrivenCore } from "../../../support/driven-core.js";
import { idOf } from "../../../support/membership-entries.js";

const membersOf = (count: number): Member[] =>
  Array.from({ length: count }, (_, index) => ({ id: idOf(index + 1), roles: [] }));

const up = (id: NodeId): ClientServerInput => ({ type: "link-up", id });
const down = (id: NodeId): ClientServerInput => ({ type: "link-down", id });
const failed = (id: NodeId): ClientServerInput => ({ type: "dial-failed", id });
const gone = (...ids: NodeId[]): ClientServerInput => ({ type: "members", came: [], gone: ids });
const came = (...members: Member[]): ClientServerInput => {
  return { type: "members", came: members, gone: [] };
};
const connect = (to: NodeId) => ({ type: "connect", to });
const release = (to: NodeId) => ({ type: "release", to });
const attach = (server?: NodeId, standby?: NodeId) => ({ type: "attach", server, standby });

/** One node of a cluster that knows all members and has not started. */
function nodeOf(self: Member, members: readonly Member[]) {
  const core = new ClientServer({ self, random: seededRandom(1) });
  const driven = new DrivenCore<ClientServerInput, ClientServerEffect>(core);
  driven.give(came(...members));
  return { core, driven, self: self.id };
}

/** A client of a cluster of 40 with 7 servers, and the servers in the order it wants them. */
function client() {
  const members = membersOf(40);
  const plan = new Plan(clientServerLimits);
  plan.apply(members, []);
  const self = members.find(({ id }) => !plan.isServer(id)) as Member;
  const choices = plan.choicesOf(self.id) as [NodeId, NodeId, NodeId, NodeId, ...NodeId[]];
  const clients = members.map(({ id }) => id).filter((id) => !plan.isServer(id) && id !== self.id);
  return { ...nodeOf(self, members), plan, choices, clients };
}

/** The same, started and linked to its two servers. */
function settledClient() {
  const node = client();
  const [first, second] = node.choices;
  node.driven.give({ type: "start" }, up(first), up(second));
  return node;
}

/** The servers of a cluster of 40, and one of them that has not started. */
function server(rank: "lowest" | "highest") {
  const members = membersOf(40);
  const plan = new Plan(clientServerLimits);
  plan.apply(members, []);
  const ids = [...plan.servers].sort();
  const self = members.find(({ id }) => id === ids[rank === "lowest" ? 0 : ids.length - 1]);
  const others = plan.servers.filter((id) => id !== self?.id);
  return { ...nodeOf(self as Member, members), plan, others };
}

describe("a client", () => {
  test("dials two servers and is attached as soon as one is linked", () => {
    const { core, driven, choices } = client();
    const [first, second] = choices;
    expect(driven.give({ type: "start" })).toEqual([
      { type: "role", role: "client" },
      connect(first),
      connect(second),
    ]);
    expect(driven.give(up(second))).toEqual([attach(second)]);
    expect(driven.give(up(first))).toEqual([attach(first, second)]);
    expect([core.server, core.standby]).toEqual([first, second]);
    expect(driven.timers).toEqual([]);
  });

  test("dials nobody who is linked already, and gives back what it does not need", () => {
    const { driven, choices } = client();
    const [first, second, third, fourth] = choices;
    driven.give(up(third), up(first), up(fourth), up(second));
    expect(driven.give({ type: "start" })).toEqual([
      { type: "role", role: "client" },
      attach(first, second),
      release(third),
      release(fourth),
    ]);
  });

  test("keeps the servers it has until those it wants are linked", () => {
    const { driven, choices } = client();
    const [first, second, third] = choices;
    driven.give(up(third), { type: "start" });
    expect(driven.give(up(first))).toEqual([attach(first, third)]);
    expect(driven.give(up(second))).toEqual([attach(first, second), release(third)]);
  });

  test("goes on with its standby in the turn in which its primary is lost, and dials a new one", () => {
    const { driven, choices } = settledClient();
    const [first, second, third] = choices;
    expect(driven.give(down(first))).toEqual([
      connect(third),
      { type: "count", counter: "failover" },
      attach(second),
    ]);
    expect(driven.give(up(third))).toEqual([attach(second, third)]);
  });

  test("moves when the members say that its primary is gone, before the link breaks", () => {
    const { driven, choices } = settledClient();
    const [first, second] = choices;
    const effects = driven.give(gone(first));
    expect(effects).toContainEqual(attach(second));
    expect(effects).not.toContainEqual(connect(first));
  });

  test("takes the next choice when a server cannot be dialled, and goes back when it can", () => {
    const { driven, choices } = client();
    const [first, second, third] = choices;
    driven.give({ type: "start" }, up(second));
    expect(driven.give(failed(first))).toEqual([
      { type: "count", counter: "dial-failed" },
      connect(third),
    ]);
    expect(driven.give(up(third))).toEqual([attach(second, third)]);
    expect(driven.wait(times.retryMinMs * 1.2)).toEqual([connect(first)]);
    expect(driven.give(up(first))).toEqual([attach(first, second), release(third)]);
  });

  test("waits twice as long after each failed dial, up to half a minute", () => {
    const { driven, choices } = settledClient();
    const [first] = choices;
    driven.give(down(first));
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const since = driven.now;
      let dialled = false;
      while (!dialled) {
        dialled = driven.wait(100).some((each) => each.type === "connect" && each.to === first);
      }
      waits.push(driven.now - since);
      driven.give(failed(first));
    }
    for (const [index, wait] of waits.entries()) {
      const expected = Math.min(times.retryMaxMs, times.retryMinMs * 2 ** index);
      expect(wait).toBeGreaterThanOrEqual(expected * 0.8);
      expect(wait).toBeLessThanOrEqual(expected * 1.2 + 100);
    }
  });

  test("that loses all servers says so, and is attached to the first that comes back", () => {
    const { core, driven, choices } = settledClient();
    const [first, second] = choices;
    driven.give(down(second));
    expect(driven.give(down(first))).toContainEqual({ type: "count", counter: "cut-off" });
    expect(core.server).toBeUndefined();
    expect(driven.give(up(second))).toContainEqual(attach(second));
  });

  test("gives a link to another client back after the grace, and not before it has a server", () => {
    const { core, driven, choices, clients, self } = client();
    const [first] = choices;
    const [other] = clients as [NodeId];
    expect(core.mayLink(self, other)).toBe(false);
    driven.give(up(other), { type: "start" });
    expect(driven.wait(times.graceMs)).toEqual([]);
    expect(driven.give(up(first))).toEqual([attach(first), release(other)]);
    expect(driven.give(down(other))).toEqual([]);
  });

  test("keeps a link to a client for as long as the grace", () => {
    const { driven, clients } = settledClient();
    const [other] = clients as [NodeId];
    driven.give(up(other));
    expect(driven.wait(times.graceMs - 1)).toEqual([]);
    expect(driven.wait(1)).toEqual([release(other)]);
  });

  test("does not touch a link to a node that is no member yet", () => {
    const { core, driven, self } = settledClient();
    expect(core.mayLink(self, idOf(999))).toBe(true);
    driven.give(up(idOf(999)));
    expect(driven.wait(60_000)).toEqual([]);
  });

  test("takes the release of a link back when it needs it again before it is closed", () => {
    const { driven, choices } = settledClient();
    const [first, second, third] = choices;
    expect(driven.give(up(third))).toEqual([release(third)]);
    expect(driven.give(down(first))).toEqual([
      connect(third),
      { type: "count", counter: "failover" },
      attach(second, third),
    ]);
  });

  test("dials a server whose link it gave back without waiting, when it needs it again", () => {
    const { driven, choices } = settledClient();
    const [first, , third] = choices;
    driven.give(up(third), down(third));
    expect(driven.give(down(first))).toContainEqual(connect(third));
  });

  test("goes on with a link it gave back while it dials those it wants", () => {
    const servers = membersOf(20).map(({ id }) => ({ id, roles: ["server"] }));
    const self: Member = { id: idOf(99), roles: [] };
    const plan = new Plan(clientServerLimits);
    plan.apply([self, ...servers], []);
    const choices = plan.choicesOf(self.id) as [NodeId, NodeId, NodeId, NodeId, NodeId];
    const [best, better, first, second, spare] = choices;
    const late = servers.filter(({ id }) => id === best || id === better);
    const { driven } = nodeOf(
      self,
      servers.filter((member) => !late.includes(member)),
    );
    driven.give({ type: "start" }, up(first), up(second));
    expect(driven.give(up(spare))).toEqual([release(spare)]);
    const effects = driven.give({ type: "members", came: late, gone: [first, second] });
    expect(effects).toEqual([connect(best), connect(better), connect(spare), attach(spare)]);
  });

  test("stays with a server that is one no more until another is linked", () => {
    const { core, driven, choices, self } = client();
    const [first] = choices;
    driven.give({ type: "start" }, up(first));
    driven.give(came({ id: first, roles: [], draining: true }));
    expect(core.plan.isServer(first)).toBe(false);
    expect(core.server).toBe(first);
    const [next] = core.plan.choicesOf(self) as [NodeId];
    expect(driven.give(up(next))).toContainEqual(attach(next));
  });

  test("counts the grace anew when a link was one to a server meanwhile", () => {
    const { driven, clients } = settledClient();
    const [other] = clients as [NodeId];
    driven.give(up(other));
    driven.wait(times.graceMs - 1);
    driven.give(came({ id: other, roles: ["server"] }), came({ id: other, roles: [] }));
    expect(driven.wait(times.graceMs - 1)).not.toContainEqual(release(other));
    expect(driven.wait(1)).toContainEqual(release(other));
  });

  test("dials a server anew that came back after it was gone", () => {
    const { driven, choices } = client();
    const [first] = choices;
    driven.give({ type: "start" }, failed(first));
    const effects = driven.give({
      type: "members",
      came: [{ id: first, roles: [] }],
      gone: [first],
    });
    expect(effects).toContainEqual(connect(first));
  });

  test("stops a dial to a server that is gone", () => {
    const { driven, choices } = client();
    const [first] = choices;
    driven.give({ type: "start" });
    expect(driven.give(gone(first))).toContainEqual(release(first));
  });

  test("does nothing more when it leaves", () => {
    const { driven, choices } = settledClient();
    const [first, second] = choices;
    driven.give(down(first));
    expect(driven.timers).toEqual(["plan"]);
    expect(driven.give({ type: "leave" })).toEqual([]);
    expect(driven.timers).toEqual([]);
    expect(driven.give(down(second), { type: "start" })).toEqual([]);
  });
});

describe("a server", () => {
  test("with the lowest id dials all other servers at once", () => {
    const { driven, others } = server("lowest");
    expect(driven.give({ type: "start" })).toEqual([
      { type: "role", role: "server" },
      ...others.map(connect),
    ]);
  });

  test("with the highest id leaves the dials to the others, for two seconds", () => {
    const { driven, others } = server("highest");
    expect(driven.give({ type: "start" })).toEqual([{ type: "role", role: "server" }]);
    const [first, ...rest] = others as [NodeId, ...NodeId[]];
    driven.give(up(first));
    expect(driven.wait(times.patienceMs - 1)).toEqual([]);
    expect(driven.wait(1)).toEqual(rest.map(connect));
  });

  test("keeps the links of its clients, dials none, and has no server itself", () => {
    const { core, driven, others, plan } = server("lowest");
    const client = membersOf(40).find(({ id }) => !plan.isServer(id)) as Member;
    driven.give({ type: "start" }, ...others.map(up), up(client.id));
    expect(driven.wait(60_000)).toEqual([]);
    expect(driven.give(down(client.id))).toEqual([]);
    expect([core.server, core.standby]).toEqual([undefined, undefined]);
  });

  test("dials sixteen others at a time", () => {
    const members = membersOf(40).map((member) => ({ ...member, roles: ["server"] }));
    const { driven } = nodeOf(members[0] as Member, members);
    const dialled = driven.give({ type: "start" }).flatMap((effect) => {
      return effect.type === "connect" ? [effect.to] : [];
    });
    expect(dialled).toHaveLength(clientServerLimits.dialsInFlightMax);
    const [one, other] = dialled as [NodeId, NodeId];
    const next = driven.give(up(one), failed(other)).filter(({ type }) => type === "connect");
    expect(next).toHaveLength(2);
  });

  test("that becomes a client goes to the servers it is linked to, and gives its clients back late", () => {
    const { core, driven, others, plan, self } = server("lowest");
    const ids = membersOf(40).map(({ id }) => id);
    const clients = ids.filter((id) => !plan.isServer(id)).slice(0, 5);
    driven.give({ type: "start" }, ...others.map(up), ...clients.map(up));
    const effects = driven.give(came({ id: self, roles: [], draining: true }));
    expect(effects[0]).toEqual({ type: "role", role: "client" });
    expect(core.server).toBeDefined();
    const stillClients = clients.filter((id) => !core.plan.isServer(id));
    expect(stillClients.length).toBeGreaterThan(0);
    for (const id of stillClients) expect(effects).not.toContainEqual(release(id));
    const late = driven.wait(times.graceMs);
    for (const id of stillClients) expect(late).toContainEqual(release(id));
  });
});

describe("the way to a member", () => {
  test("is the link, where there is one", () => {
    const { core, choices } = settledClient();
    expect(core.relayOf(choices[0])).toEqual([[]]);
  });

  test("to a server leads through one's own server, or the standby", () => {
    const { core, choices } = settledClient();
    const [first, second, third] = choices;
    expect(core.relayOf(third)).toEqual([[first], [second]]);
  });

  test("to a client leads through its server or its standby, and through one's own", () => {
    const { core, plan, choices, clients } = settledClient();
    const [first, second] = choices;
    const far = clients.find((id) => {
      return plan
        .choicesOf(id)
        .slice(0, 2)
        .every((exit) => exit !== first && exit !== second);
    }) as NodeId;
    const [exit, spare] = plan.choicesOf(far) as [NodeId, NodeId];
    expect(core.relayOf(far)).toEqual([
      [first, exit],
      [second, exit],
      [first, spare],
      [second, spare],
    ]);
    const near = clients.find((id) => plan.choicesOf(id)[0] === first) as NodeId;
    expect(core.relayOf(near)[0]).toEqual([first]);
  });

  test("from a server leads to the client's server", () => {
    const { core, driven, others, plan, self } = server("lowest");
    driven.give({ type: "start" }, ...others.map(up));
    const far = membersOf(40).find(({ id }) => {
      return !plan.isServer(id) && !plan.choicesOf(id).slice(0, 2).includes(self);
    }) as Member;
    const exits = plan.choicesOf(far.id).slice(0, 2);
    expect(core.relayOf(far.id)).toEqual(exits.map((exit) => [exit]));
  });

  test("to a stranger, to oneself and from one who is cut off is none", () => {
    const { core, clients, self } = client();
    expect(core.relayOf(idOf(999))).toEqual([]);
    expect(core.relayOf(self)).toEqual([]);
    expect(core.relayOf(clients[0] as NodeId)).toEqual([]);
  });
});
