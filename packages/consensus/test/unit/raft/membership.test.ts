/**
 * Changes of members: chapter 4 of Ongaro's thesis and section 6 of the Raft paper. The name of each
 * test is what they say, shortened where it is long.
 */
import { describe, expect, test } from "@jest/globals";
import {
  changed,
  configurationOf,
  left,
  parseConfiguration,
  type Configuration,
  type MemberChange,
} from "../../../src/protocol/raft/configuration.js";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import { append, id, Lone, of, to, vote, type Gathered } from "./lone.js";

const add = (i: number): MemberChange => ({ type: "add-voter", id: id(i) });
const learn = (i: number): MemberChange => ({ type: "add-learner", id: id(i) });
const catchUp = (i: number): MemberChange => ({ type: "add-when-caught-up", id: id(i) });
const remove = (i: number): MemberChange => ({ type: "remove", id: id(i) });
const ids = (...numbers: number[]) => numbers.map(id);

type Mode = "when-needed" | "joint" | "joint-until-told";

function change(lone: Lone, changes: readonly MemberChange[], mode?: Mode): Gathered {
  return lone.input({
    type: "change",
    id: lone.nextRequest(),
    changes,
    ...(mode && { mode }),
  });
}

function configurationEntry(index: number, term: number, configuration: Configuration): Entry {
  return { type: "configuration", index, term, configuration };
}

const granted = { type: "vote-reply", isGranted: true } as const;

describe("configurations", () => {
  test("single-server changes need no joint configuration, others do", () => {
    const from = configurationOf(ids(0, 1, 2));
    expect(changed(from, [add(3)], "when-needed", 9)).toMatchObject({ outgoing: [] });
    expect(changed(from, [remove(1)], "when-needed", 9)).toMatchObject({ outgoing: [] });
    expect(changed(from, [add(3), remove(2)], "when-needed", 9)).toMatchObject({
      voters: ids(0, 1, 3),
      outgoing: ids(0, 1, 2),
      leavesItself: true,
    });
    expect(changed(from, [learn(3), learn(4)], "when-needed", 9)).toMatchObject({ outgoing: [] });
  });

  test("a voter that is demoted votes with the old members until they are left", () => {
    const from = configurationOf(ids(0, 1, 2));
    const joint = changed(from, [add(3), learn(2)], "when-needed", 9);
    if (typeof joint === "string") throw new Error(joint);
    expect(joint).toMatchObject({ voters: ids(0, 1, 3), learners: [], learnersNext: ids(2) });
    expect(left(joint)).toMatchObject({ learners: ids(2), learnersNext: [], outgoing: [] });
  });

  test("a group without a voter, one too large and a second change on a joint one are refused", () => {
    const from = configurationOf(ids(0, 1));
    expect(changed(from, [remove(0), remove(1)], "when-needed", 9)).toMatch(/without a voter/);
    expect(changed(from, [add(2)], "when-needed", 2)).toMatch(/at most 2/);
    // Once a member that was removed and added in one change was to be promoted and no learner.
    expect(changed(from, [remove(1), catchUp(1)], "when-needed", 9)).toMatch(/twice/);
    const joint = changed(from, [add(2)], "joint", 9) as Configuration;
    expect(changed(joint, [add(3)], "when-needed", 9)).toMatch(/left first/);
  });

  test("what breaks an invariant is not parsed, what keeps them is", () => {
    const fine = changed(configurationOf(ids(0, 1, 2)), [add(3), learn(2)], "when-needed", 9);
    expect(parseConfiguration(structuredClone(fine))).toEqual(fine);
    const wrong: object[] = [
      { voters: ids(1, 0) },
      { voters: ids(0, 0) },
      { voters: ["x"] },
      { learners: ids(0) },
      { learnersNext: ids(5) },
      { promotable: ids(4) },
      { voters: [] },
      { outgoing: [], learnersNext: [], leavesItself: true },
      { leavesItself: 1 },
      { voters: Array.from({ length: 129 }, (_, i) => id(i)) },
    ];
    for (const each of wrong) {
      expect(parseConfiguration({ ...(fine as Configuration), ...each })).toBeUndefined();
    }
  });
});

describe("4.1: safety", () => {
  test("the new configuration takes effect on each server as soon as it is in its log", () => {
    const leader = new Lone().lead();
    const { messages } = change(leader, [add(3)]);
    expect(leader.status.configuration.voters).toEqual(ids(0, 1, 2, 3));
    expect(to(3, { messages })).toHaveLength(1);
    const follower = new Lone();
    const entries = [configurationEntry(2, 2, configurationOf(ids(0, 1)))];
    follower.receive(1, { type: "append", prevIndex: 1, prevTerm: 1, entries, commit: 1 }, 2);
    expect(follower.status.configuration.voters).toEqual(ids(0, 1));
  });

  test("the new configuration is committed once a majority of it has it", () => {
    const lone = new Lone().lead();
    change(lone, [add(3)]);
    lone.ack(1);
    expect(lone.raft.commit).toBe(2);
    expect(lone.ack(3).outcomes).toMatchObject([{ type: "committed", index: 3 }]);
  });

  test("a removed server's acknowledgement counts no more", () => {
    const lone = new Lone({ voters: 4 }).lead(1, 2);
    change(lone, [remove(3)]);
    lone.ack(3);
    expect(lone.raft.commit).toBe(2);
    lone.ack(1);
    expect(lone.raft.commit).toBe(3);
  });

  test("no change begins before the one before is committed", () => {
    const lone = new Lone().lead();
    change(lone, [add(3)]);
    const pending = { type: "not-applied", reason: "change-pending" };
    expect(change(lone, [add(4)]).outcomes).toMatchObject([pending]);
    lone.ack(1);
    lone.ack(2);
    expect(change(lone, [add(4)]).outcomes).toEqual([]);
  });

  test("no change begins before the leader committed an entry of its term (the 2015 flaw)", () => {
    const lone = new Lone();
    lone.elect();
    const pending = { type: "not-applied", reason: "change-pending" };
    expect(change(lone, [add(3)]).outcomes).toMatchObject([pending]);
    lone.ack(1);
    expect(change(lone, [add(3)]).outcomes).toEqual([]);
  });

  test("a configuration that is cut off the log falls back to the previous one", () => {
    const lone = new Lone();
    const entries = [configurationEntry(2, 2, configurationOf(ids(0, 1, 2, 3, 4)))];
    lone.receive(1, { type: "append", prevIndex: 1, prevTerm: 1, entries, commit: 1 }, 2);
    lone.receive(2, append(1, 1, [3]), 3);
    expect(lone.status.configuration.voters).toEqual(ids(0, 1, 2));
  });

  test("a server accepts AppendEntries from a leader that is not in its configuration", () => {
    const lone = new Lone();
    expect(lone.receive(9, append(1, 1, [2]), 2).messages).toMatchObject([{ type: "appended" }]);
    expect(lone.status.leader).toBe(id(9));
  });

  test("a server grants its vote to a candidate that is not in its configuration", () => {
    const lone = new Lone();
    expect(of(lone.receive(9, vote(1, 1), 2), "vote-reply")).toMatchObject([{ isGranted: true }]);
  });

  test("a server that has an empty log and no configuration takes both from any leader", () => {
    const lone = new Lone({ entries: [], commit: 0 });
    expect(of(lone.advance(5_000), "vote")).toEqual([]);
    const entries = [configurationEntry(1, 1, configurationOf(ids(1, 2, 3), ids(0)))];
    lone.receive(1, { type: "append", prevIndex: 0, prevTerm: 0, entries, commit: 1 }, 1);
    expect(lone.status.configuration.learners).toEqual(ids(0));
  });
});

describe("4.2.1: catching up new servers", () => {
  test("a new server joins as a non-voting member: it gets the log and counts for nothing", () => {
    const lone = new Lone({ voters: 2 }).lead(1);
    const { messages } = change(lone, [learn(2)]);
    lone.ack(1);
    expect(messages.map((each) => each.to)).toContain(id(2));
    lone.propose();
    lone.ack(2, 4);
    expect(lone.raft.commit).toBe(3);
    lone.ack(1, 4);
    expect(lone.raft.commit).toBe(4);
  });

  test("a learner never campaigns, and votes when it is asked", () => {
    const configuration = configurationOf(ids(1, 2, 3), ids(0));
    const lone = new Lone({ configuration });
    expect(of(lone.advance(10_000), "vote")).toEqual([]);
    expect(of(lone.receive(1, vote(1, 1), 2), "vote-reply")).toMatchObject([{ isGranted: true }]);
    expect(lone.receive(1, { type: "timeout-now" }, 2).messages).toEqual([]);
  });

  function catchingUp(): Lone {
    const lone = new Lone().lead();
    change(lone, [catchUp(3)]);
    lone.ack(1);
    expect(lone.status.configuration).toMatchObject({ learners: ids(3), promotable: ids(3) });
    return lone;
  }

  test("each round replicates what was in the leader's log when it began; a fast one promotes", () => {
    const lone = catchingUp();
    lone.propose();
    lone.ack(1);
    lone.ack(3, 2);
    lone.advance(400);
    lone.ack(3, 3);
    expect(lone.status.configuration.learners).toEqual(ids(3));
    const { notices } = lone.ack(3, 4);
    expect(notices).toEqual([{ type: "promoting", id: id(3) }]);
    expect(lone.status.configuration).toMatchObject({
      voters: ids(0, 1, 2, 3),
      learners: [],
      promotable: [],
    });
  });

  test("a round that takes an election timeout does not promote; after ten it is reported", () => {
    const lone = catchingUp();
    lone.ack(3, 1);
    const notices: unknown[] = [];
    for (let round = 0; round < 12; round += 1) {
      const target = lone.lastIndex;
      for (let i = 0; i < 6; i += 1) {
        lone.advance(99);
        lone.ack(1);
        lone.ack(2);
      }
      lone.propose();
      lone.ack(1);
      lone.ack(2);
      notices.push(...lone.ack(3, target).notices);
    }
    expect(notices).toEqual([{ type: "learner-slow", id: id(3), rounds: 10 }]);
    expect(lone.status.configuration.learners).toEqual(ids(3));
  });

  test("the intent to promote is in the log: the next leader carries it out", () => {
    const configuration: Configuration = {
      ...configurationOf(ids(0, 1, 2), ids(3)),
      promotable: ids(3),
    };
    const lone = new Lone({ configuration }).lead();
    lone.ack(3, 1);
    lone.ack(3, 2);
    expect(lone.status.configuration.voters).toEqual(ids(0, 1, 2, 3));
  });

  test("a learner that has everything before its own entry is committed is promoted once it is", () => {
    const lone = new Lone().lead();
    change(lone, [catchUp(3)]);
    lone.ack(3);
    expect(lone.status.configuration.learners).toEqual(ids(3));
    // No request comes ever after.
    expect(lone.ack(1).notices).toEqual([{ type: "promoting", id: id(3) }]);
    expect(lone.status.configuration.voters).toEqual(ids(0, 1, 2, 3));
  });

  test("a learner that shall stay one is not promoted", () => {
    const lone = new Lone().lead();
    change(lone, [learn(3)]);
    lone.ack(1);
    lone.ack(3, 1);
    lone.ack(3);
    expect(lone.status.configuration.learners).toEqual(ids(3));
  });

  test("a new server's empty log is found at once, not entry by entry", () => {
    const lone = new Lone({ terms: Array.from({ length: 500 }, () => 1) }).lead();
    change(lone, [learn(3)]);
    lone.ack(1);
    const nothing = { type: "append-refused", index: 503, hintIndex: 0, hintTerm: 0 } as const;
    expect(of(lone.receive(3, nothing), "append")).toMatchObject([{ prevIndex: 0 }]);
  });
});

describe("4.2.2: removing the current leader", () => {
  test("it does not count itself in majorities", () => {
    const lone = new Lone().lead();
    change(lone, [remove(0)]);
    lone.ack(1);
    expect(lone.raft.commit).toBe(2);
    expect(lone.status.role).toBe("leader");
    lone.ack(2);
    expect(lone.raft.commit).toBe(3);
  });

  test("it steps down once the configuration without it is committed, and says so first", () => {
    const lone = new Lone().lead();
    change(lone, [remove(0)]);
    lone.ack(1);
    const out = lone.ack(2);
    expect(lone.status.role).toBe("follower");
    expect(out.notices).toContainEqual({ type: "stepped-down", reason: "removed" });
    expect(of(out, "append")).toMatchObject([{ commit: 3 }, { commit: 3 }]);
    expect(of(out, "timeout-now")).toHaveLength(1);
    expect(of(lone.advance(10_000), "vote")).toEqual([]);
  });

  test("a server not in its own latest configuration still campaigns while that may be cut off", () => {
    const lone = new Lone({ voters: 2 }).lead(1);
    change(lone, [remove(0)]);
    lone.receive(9, append(1, 1), 3);
    lone.input({ type: "campaign" });
    const asked = lone.receive(1, { ...granted, isPre: true }, 4);
    expect(of(asked, "vote")).toMatchObject([{ to: id(1), isPre: false }]);
    // Its own vote counts for nothing there: that of the one voter is enough.
    lone.receive(1, { ...granted, isPre: false }, 4);
    expect(lone.status.role).toBe("leader");
    lone.ack(1);
    expect(lone.status.role).toBe("follower");
  });
});

describe("4.2.3: disruptive servers", () => {
  test("a vote asked for within an election timeout of hearing a leader is not granted or heard", () => {
    const lone = new Lone();
    lone.receive(1, append(1, 1));
    lone.advance(499);
    for (const isPre of [true, false]) {
      expect(lone.receive(2, vote(9, 9, isPre), 9)).toMatchObject({ messages: [], writes: [] });
    }
    expect(lone.status.term).toBe(1);
    lone.now += 1;
    expect(of(lone.receive(2, vote(9, 9), 9), "vote-reply")).toMatchObject([{ isGranted: true }]);
  });

  test("a leader is not deposed by a server that does not hear it", () => {
    const lone = new Lone().lead();
    lone.receive(2, vote(9, 9), 9);
    expect(lone.status).toMatchObject({ role: "leader", term: 2 });
  });

  test("a member that was restarted keeps what it may have promised before", () => {
    const lone = new Lone();
    lone.now = 499;
    expect(lone.receive(2, vote(9, 9), 9).messages).toEqual([]);
  });

  test("a leader's own wish for another overrides it", () => {
    const lone = new Lone();
    lone.receive(1, append(1, 1));
    const asked = {
      type: "vote",
      isPre: false,
      isTransfer: true,
      lastIndex: 1,
      lastTerm: 1,
    } as const;
    expect(of(lone.receive(2, asked, 2), "vote-reply")).toMatchObject([{ isGranted: true }]);
  });

  test("a member with a higher term is not kept out for ever: its refusal tells the leader", () => {
    const lone = new Lone({ term: 8 });
    const { messages } = lone.receive(1, { type: "heartbeat", round: 1, commit: 1 }, 2);
    expect(messages).toMatchObject([{ type: "append-refused", term: 8 }]);
    const leader = new Lone().lead();
    leader.receive(2, { type: "append-refused", index: 0, hintIndex: 0, hintTerm: 0 }, 8);
    expect(leader.status).toMatchObject({ role: "follower", term: 8 });
  });
});

describe("4.3: arbitrary changes by joint consensus", () => {
  /** From {0, 1, 2} to {0, 3, 4}. */
  const swap = [add(3), add(4), remove(1), remove(2)];

  test("log entries are replicated to all servers in both configurations", () => {
    const lone = new Lone().lead();
    change(lone, swap);
    const { messages } = lone.advance(100);
    expect(new Set(messages.map((each) => each.to))).toEqual(new Set(ids(1, 2, 3, 4)));
  });

  test("agreement requires separate majorities from both configurations", () => {
    const lone = new Lone().lead();
    change(lone, swap);
    lone.ack(1);
    lone.ack(2);
    expect(lone.raft.commit).toBe(2);
    lone.ack(3);
    expect(lone.raft.commit).toBe(3);
  });

  test("elections require separate majorities from both configurations", () => {
    const joint = changed(configurationOf(ids(0, 1, 2)), swap, "joint", 9) as Configuration;
    const lone = new Lone({ configuration: joint, commit: 0 });
    lone.input({ type: "campaign" });
    for (const from of [1, 2]) lone.receive(from, { ...granted, isPre: true }, 2);
    expect(lone.status.role).toBe("pre-candidate");
    const out = lone.receive(3, { ...granted, isPre: true }, 2);
    expect(of(out, "vote").map((each) => each.to)).toEqual(ids(0, 3, 4, 1, 2).slice(1));
    for (const from of [3, 4]) lone.receive(from, { ...granted, isPre: false }, 2);
    expect(lone.status.role).toBe("candidate");
    lone.receive(1, { ...granted, isPre: false }, 2);
    expect(lone.status.role).toBe("leader");
  });

  test("once the joint configuration is committed, the leader creates the new one", () => {
    const lone = new Lone().lead();
    change(lone, swap);
    lone.ack(1, 3);
    const { outcomes, writes } = lone.ack(3, 3);
    expect(outcomes).toMatchObject([{ type: "committed", index: 3 }]);
    expect(writes[0]?.append?.entries).toMatchObject([
      { index: 4, configuration: { voters: ids(0, 3, 4), outgoing: [], leavesItself: false } },
    ]);
    lone.ack(3);
    expect(lone.raft.commit).toBe(4);
    expect(to(1, lone.advance(100))).toEqual([]);
  });

  test("the next leader leaves a joint configuration that it finds in its log", () => {
    const joint = changed(configurationOf(ids(0, 1, 2)), swap, "joint", 9) as Configuration;
    const lone = new Lone({ configuration: joint, commit: 0 });
    lone.elect(1, 2, 3, 4);
    for (const from of [1, 3]) lone.ack(from);
    expect(lone.status.configuration).toMatchObject({ voters: ids(0, 3, 4), outgoing: [] });
  });

  test("a joint configuration until told is left when told, and only then", () => {
    const lone = new Lone().lead();
    change(lone, [add(3)], "joint-until-told");
    for (const from of [1, 2, 3]) lone.ack(from);
    expect(lone.status.configuration.outgoing).toEqual(ids(0, 1, 2));
    expect(change(lone, [add(4)]).outcomes).toMatchObject([{ reason: "change-pending" }]);
    lone.input({ type: "leave-joint", id: 77 });
    expect(lone.status.configuration).toMatchObject({ voters: ids(0, 1, 2, 3), outgoing: [] });
    lone.ack(1);
    expect(lone.ack(2).outcomes).toMatchObject([{ id: 77, type: "committed" }]);
    const again = lone.input({ type: "leave-joint", id: 78 });
    expect(again.outcomes).toMatchObject([{ id: 78, type: "not-applied", reason: "invalid" }]);
  });

  test("the cluster services requests throughout the change", () => {
    const lone = new Lone().lead();
    change(lone, swap);
    const asked = lone.propose();
    expect(asked.outcomes).toEqual([]);
    for (const from of [1, 3]) lone.ack(from);
    expect(lone.raft.commit).toBe(4);
  });

  test("any server from either configuration may lead: one of the old, not in the new", () => {
    const joint = changed(configurationOf(ids(0, 1, 2)), [remove(0), add(3)], "joint", 9);
    const lone = new Lone({ configuration: joint as Configuration, commit: 0 });
    lone.elect(1, 2, 3);
    expect(lone.status.role).toBe("leader");
    for (const from of [1, 2, 3]) lone.ack(from);
    // It made the new configuration, without itself, and steps down when that is committed.
    expect(lone.status).toMatchObject({ role: "leader", configuration: { voters: ids(1, 2, 3) } });
    for (const from of [1, 2]) lone.ack(from);
    expect(lone.status.role).toBe("follower");
  });
});
