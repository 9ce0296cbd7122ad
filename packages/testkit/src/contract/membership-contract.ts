/**
 * membershipContract: what every Membership must tell, in what order, and what it must list.
 */
import assert from "node:assert/strict";
import { createNodeId } from "@foundation/core";
import type { Membership, MembershipEvent } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { until } from "../time.js";
import { pairOf, type ClusterContractSetup, type ClusterFixture } from "./cluster-fixture.js";
import { testsWith, type ContractRunner } from "./runner.js";

type Test = (name: string, run: (fixture: ClusterFixture) => unknown) => void;

/** Runs the suite against one membership. */
export function membershipContract(runner: ContractRunner, setup: ClusterContractSetup): void {
  const trio = testsWith(runner, () => setup.create({ nodes: 3 }));
  runner.describe("membership: lists", () => listTests(trio));
  const { kill, leave, drain, add, restart } = setup;
  runner.describe("membership: changes", () => {
    if (kill) killTests(trio, kill);
    if (leave) leaveTests(trio, leave);
    if (drain) drainTests(trio, drain);
    if (add) addTests(trio, add);
    if (restart) restartTests(trio, restart);
  });
}

function listTests(test: Test): void {
  test("every node lists every node with itself, ordered by id, alive", async ({ nodes }) => {
    const ids = nodes.map(({ membership }) => membership.self.id).toSorted();
    for (const { membership, messenger } of nodes) {
      assert.deepEqual(
        membership.members().map(({ id }) => id),
        ids,
      );
      assert.deepEqual(
        new Set(membership.members().map(({ status }) => status)),
        new Set(["alive"]),
      );
      assert.equal(membership.self.id, messenger.self);
      assert.equal(membership.self.status, "alive");
    }
  });

  test("all nodes say the same of each node", async ({ nodes }) => {
    const told = nodes.map(({ membership }) => membership.members());
    for (const list of told) assert.deepEqual(list, told[0]);
  });

  test("the list is made once between changes; a member is found by its id and a stranger is not", async ({
    nodes,
  }) => {
    const stranger = createNodeId(seededRandom("a node nobody knows"));
    for (const { membership } of nodes) {
      assert.equal(membership.members(), membership.members());
      for (const member of membership.members())
        assert.equal(membership.member(member.id)?.boot, member.boot);
      assert.equal(membership.member(stranger), undefined);
    }
  });
}

function killTests(test: Test, kill: NonNullable<ClusterContractSetup["kill"]>): void {
  test("a death is told once to every survivor, and the list no longer has the node", async (fixture) => {
    const survivors = fixture.nodes.slice(1);
    const dead = pairOf(fixture)[0].membership.self;
    const logs = survivors.map(({ membership }) => record(membership));
    await kill(fixture, 0);
    await until(fixture.time, "all know", () =>
      logs.every((log) => ofType(log, "node-down").length > 0),
    );
    await fixture.time.pass(50);
    for (const [i, log] of logs.entries()) {
      const downs = ofType(log, "node-down");
      assert.deepEqual(
        downs.map(({ node }) => [node.id, node.boot, node.status]),
        [[dead.id, dead.boot, "down"]],
      );
      assert.equal(ofType(log, "node-left").length, 0);
      const ids = survivors[i]?.membership.members().map(({ id }) => id);
      assert.deepEqual(ids, survivors.map(({ membership }) => membership.self.id).toSorted());
    }
  });
}

function leaveTests(test: Test, leave: NonNullable<ClusterContractSetup["leave"]>): void {
  test("a farewell is told once, as node-left and not as a death", async (fixture) => {
    const others = fixture.nodes.slice(1);
    const gone = pairOf(fixture)[0].membership.self;
    const logs = others.map(({ membership }) => record(membership));
    const leaving = Promise.resolve(leave(fixture, 0));
    await until(fixture.time, "all know", () =>
      logs.every((log) => ofType(log, "node-left").length > 0),
    );
    await fixture.time.wait(leaving);
    await fixture.time.pass(50);
    for (const log of logs) {
      assert.deepEqual(
        ofType(log, "node-left").map(({ node }) => [node.id, node.status]),
        [[gone.id, "left"]],
      );
      assert.equal(ofType(log, "node-down").length, 0);
    }
    for (const { membership } of others) assert.equal(membership.member(gone.id), undefined);
  });
}

function drainTests(test: Test, drain: NonNullable<ClusterContractSetup["drain"]>): void {
  test("a draining node stays a member, and its old description is not changed in place", async (fixture) => {
    const [node, other] = pairOf(fixture);
    const { id } = node.membership.self;
    const before = other.membership.member(id);
    const log = record(other.membership);
    await drain(fixture, 0);
    await until(fixture.time, "it is told", () => ofType(log, "node-draining").length === 1);
    assert.equal(node.membership.self.status, "draining");
    assert.equal(other.membership.member(id)?.status, "draining");
    assert.equal(before?.status, "alive");
    assert.ok(other.membership.members().some((member) => member.id === id));
  });
}

function addTests(test: Test, add: NonNullable<ClusterContractSetup["add"]>): void {
  test("a newcomer is told once to every node and knows them all; whoever stopped listening hears nothing", async (fixture) => {
    const logs = fixture.nodes.map(({ membership }) => record(membership));
    const silent: MembershipEvent[] = [];
    pairOf(fixture)[0].membership.subscribe((event) => silent.push(event))();
    const newcomer = await add(fixture);
    await until(fixture.time, "all know", () =>
      logs.every((log) => ofType(log, "node-up").length > 0),
    );
    await until(fixture.time, "it knows all", () => newcomer.membership.members().length === 4);
    await fixture.time.pass(50);
    for (const log of logs) {
      assert.deepEqual(
        ofType(log, "node-up").map(({ node }) => node.id),
        [newcomer.membership.self.id],
      );
    }
    assert.equal(silent.length, 0);
  });
}

function restartTests(test: Test, restart: NonNullable<ClusterContractSetup["restart"]>): void {
  test("a restart ends the older boot before the newer comes up", async (fixture) => {
    const [first, other] = pairOf(fixture);
    const { id, boot } = first.membership.self;
    const log = record(other.membership);
    const again = await restart(fixture, 0);
    await until(fixture.time, "it is up again", () => ofType(log, "node-up").length > 0);
    const story = log
      .filter(({ node, type }) => node.id === id && type !== "node-suspect")
      .map(({ type, node }) => [type, node.boot]);
    const { boot: newer } = again.membership.self;
    assert.deepEqual(story, [
      ["node-down", boot],
      ["node-up", newer],
    ]);
    assert.ok(newer > boot);
    assert.equal(other.membership.member(id)?.boot, newer);
  });
}

function record(membership: Membership): MembershipEvent[] {
  const log: MembershipEvent[] = [];
  membership.subscribe((event) => log.push(event));
  return log;
}

function ofType(log: readonly MembershipEvent[], type: MembershipEvent["type"]): MembershipEvent[] {
  return log.filter((event) => event.type === type);
}
