/**
 * Figure 2 of "In Search of an Understandable Consensus Algorithm", sentence by sentence: the name of
 * each test is the sentence, or what this implementation does in its place, and why.
 */
import { describe, expect, test } from "@jest/globals";
import { append, commands, id, Lone, of, to, vote } from "./lone.js";

const refused = { type: "append-refused" } as const;

describe("state", () => {
  test("currentTerm: latest term server has seen, increases monotonically", () => {
    const lone = new Lone({ term: 3 });
    lone.receive(1, append(1, 1), 5);
    expect(lone.status.term).toBe(5);
    lone.receive(2, append(1, 1), 4);
    expect(lone.status.term).toBe(5);
  });

  test("currentTerm: initialized to 0 on first boot", () => {
    expect(new Lone({ entries: [], commit: 0 }).status.term).toBe(0);
  });

  test("votedFor: candidateId that received vote in current term, or none", () => {
    const lone = new Lone();
    const { writes } = lone.receive(1, vote(1, 1), 2);
    expect(writes.at(-1)?.hardState).toMatchObject({ term: 2, vote: id(1) });
    const later = lone.receive(2, append(1, 1), 3);
    expect(later.writes.at(-1)?.hardState).toMatchObject({ term: 3, vote: undefined });
  });

  test("log[]: first index is 1; each entry has the term when it was received by the leader", () => {
    const lone = new Lone({ term: 4 }).lead();
    const { writes } = lone.propose("a");
    expect(writes[0]?.append?.entries).toMatchObject([{ type: "command", index: 3, term: 5 }]);
  });

  test("persistent state is updated on stable storage before responding to RPCs: a vote", () => {
    const lone = new Lone();
    lone.isDiskHeld = true;
    expect(lone.receive(1, vote(1, 1), 2).messages).toEqual([]);
    expect(of(lone.sync(), "vote-reply")).toMatchObject([{ to: id(1), isGranted: true }]);
  });

  test("persistent state is updated on stable storage before responding to RPCs: entries", () => {
    const lone = new Lone();
    lone.isDiskHeld = true;
    expect(lone.receive(1, append(1, 1, [2]), 2).messages).toEqual([]);
    expect(of(lone.sync(), "appended")).toMatchObject([{ to: id(1), index: 2 }]);
  });

  test("a repeated request whose entries are still being written is answered once, after that write", () => {
    const lone = new Lone();
    lone.isDiskHeld = true;
    lone.receive(1, append(1, 1, [2]), 2);
    expect(lone.receive(1, append(1, 1, [2]), 2).messages).toEqual([]);
    expect(of(lone.sync(), "appended")).toHaveLength(1);
  });

  test("a candidate asks for votes only when its own term and vote are on disk", () => {
    const lone = new Lone();
    lone.input({ type: "campaign" });
    lone.isDiskHeld = true;
    const asked = lone.receive(1, { type: "vote-reply", isPre: true, isGranted: true }, 2);
    expect(asked.messages).toEqual([]);
    expect(of(lone.sync(), "vote")).toHaveLength(2);
  });

  test("commitIndex: highest entry known to be committed, increases monotonically", () => {
    const lone = new Lone({ terms: [1, 1] });
    lone.receive(1, append(3, 1, [], 3));
    lone.receive(1, append(3, 1, [], 2));
    expect(lone.raft.commit).toBe(3);
  });

  test("nextIndex[]: initialized to leader last log index + 1", () => {
    const lone = new Lone({ terms: [1, 1] });
    const sent = of(lone.elect(), "append");
    // The first message begins behind what it had, with the entry of its own term.
    expect(sent).toMatchObject([
      { to: id(1), prevIndex: 3, prevTerm: 1, entries: [{ index: 4, type: "empty" }] },
      { to: id(2), prevIndex: 3, prevTerm: 1, entries: [{ index: 4, type: "empty" }] },
    ]);
  });

  test("matchIndex[]: initialized to 0, reinitialized after election", () => {
    const lone = new Lone({ terms: [1] }).lead();
    expect(lone.raft.commit).toBe(3);
    lone.receive(1, append(3, 2, [3]), 3);
    lone.elect();
    // What the followers acknowledged in the term before counts no more.
    expect(lone.raft.commit).toBe(3);
    lone.ack(1);
    expect(lone.raft.commit).toBe(5);
  });
});

describe("AppendEntries, receiver", () => {
  test("1. reply false if term < currentTerm", () => {
    const lone = new Lone({ term: 4 });
    const { messages, writes } = lone.receive(1, append(1, 1, [3]), 3);
    expect(messages).toMatchObject([{ ...refused, to: id(1), term: 4 }]);
    expect(writes).toEqual([]);
  });

  test("2. reply false if log doesn't contain an entry at prevLogIndex whose term matches", () => {
    const lone = new Lone({ terms: [1, 1, 2] });
    expect(lone.receive(1, append(9, 2, [3]), 3).messages).toMatchObject([
      { ...refused, index: 9, hintIndex: 4, hintTerm: 2 },
    ]);
    expect(lone.receive(1, append(3, 2, [3]), 3).messages).toMatchObject([
      { ...refused, index: 3, hintIndex: 3, hintTerm: 1 },
    ]);
  });

  test("3. delete an existing entry that conflicts with a new one, and all that follow it", () => {
    const lone = new Lone({ terms: [1, 1, 1] });
    const { writes } = lone.receive(1, append(2, 1, [2]), 2);
    expect(writes.at(-1)?.append).toEqual({ after: 2, entries: commands(3, [2]) });
    // What followed is gone: it fits no more.
    expect(lone.receive(1, append(4, 1, []), 2).messages).toMatchObject([refused]);
  });

  test("3. nothing is deleted by an old message whose entries are all there", () => {
    const lone = new Lone({ terms: [1, 1, 1] });
    const { writes, messages } = lone.receive(1, append(1, 1, [1]), 1);
    expect(writes).toEqual([]);
    expect(messages).toMatchObject([{ type: "appended", index: 2 }]);
    expect(lone.receive(1, append(4, 1, [])).messages).toMatchObject([{ type: "appended" }]);
  });

  test("4. append any new entries not already in the log", () => {
    const lone = new Lone({ terms: [1, 1] });
    const { writes } = lone.receive(1, append(1, 1, [1, 1, 2, 2]), 2);
    expect(writes.at(-1)?.append).toEqual({ after: 3, entries: commands(4, [2, 2]) });
  });

  test("5. set commitIndex = min(leaderCommit, index of last new entry)", () => {
    const lone = new Lone({ terms: [1, 1, 1] });
    // Entries 3 and 4 may not be the leader's: it spoke of 2 only.
    lone.receive(1, append(1, 1, [1], 4));
    expect(lone.raft.commit).toBe(2);
  });

  test("leaderId: so follower can redirect clients", () => {
    const lone = new Lone();
    lone.receive(2, append(1, 1));
    expect(lone.propose().outcomes).toMatchObject([
      { type: "not-applied", reason: "not-leader", leader: id(2) },
    ]);
  });
});

describe("RequestVote, receiver", () => {
  test("1. reply false if term < currentTerm", () => {
    const lone = new Lone({ term: 4 });
    expect(lone.receive(1, vote(9, 3), 3).messages).toMatchObject([
      { type: "vote-reply", isGranted: false, term: 4 },
    ]);
  });

  test("2. grant vote if votedFor is null or candidateId", () => {
    const lone = new Lone();
    expect(of(lone.receive(1, vote(1, 1), 2), "vote-reply")).toMatchObject([{ isGranted: true }]);
    expect(of(lone.receive(2, vote(1, 1), 2), "vote-reply")).toMatchObject([{ isGranted: false }]);
    expect(of(lone.receive(1, vote(1, 1), 2), "vote-reply")).toMatchObject([{ isGranted: true }]);
  });

  test("2. the vote survives a restart", () => {
    const lone = new Lone({ term: 2, vote: 1 });
    expect(of(lone.receive(2, vote(9, 2), 2), "vote-reply")).toMatchObject([{ isGranted: false }]);
  });

  test.each([
    ["an earlier last term, however long", 9, 1, false],
    ["the same last term and a shorter log", 2, 2, false],
    ["the same last term and an equal log", 3, 2, true],
    ["the same last term and a longer log", 4, 2, true],
    ["a later last term, however short", 1, 3, true],
  ])("2. and candidate's log is at least as up-to-date: %s", (_what, index, term, isGranted) => {
    const lone = new Lone({ terms: [1, 2] });
    expect(of(lone.receive(1, vote(index, term), 4), "vote-reply")).toMatchObject([{ isGranted }]);
    const pre = new Lone({ terms: [1, 2] });
    const replies = of(pre.receive(1, vote(index, term, true), 4), "vote-reply");
    expect(replies).toMatchObject([{ isGranted }]);
  });
});

describe("all servers", () => {
  test("if commitIndex > lastApplied: increment lastApplied, apply log[lastApplied]", () => {
    const lone = new Lone({ terms: [1, 1] });
    const { committed } = lone.receive(1, append(3, 1, [], 3));
    expect(committed.map(({ index }) => index)).toEqual([2, 3]);
    expect(lone.receive(1, append(3, 1, [], 3)).committed).toEqual([]);
  });

  test.each(["follower", "candidate", "leader"])(
    "if RPC contains term T > currentTerm: set currentTerm = T, convert to follower (%s)",
    (role) => {
      const lone = new Lone();
      if (role === "leader") lone.lead();
      if (role === "candidate") {
        lone.input({ type: "campaign" });
        lone.receive(1, { type: "vote-reply", isPre: true, isGranted: true }, 2);
      }
      expect(lone.status.role).toBe(role);
      lone.receive(2, { ...refused, index: 0, hintIndex: 0, hintTerm: 0 }, 7);
      expect(lone.status).toMatchObject({ role: "follower", term: 7, leader: undefined });
    },
  );
});

describe("followers", () => {
  test("respond to RPCs from candidates and leaders", () => {
    const lone = new Lone();
    const types = [vote(1, 1), append(1, 1), { type: "heartbeat", round: 4, commit: 0 } as const]
      .flatMap((body) => lone.receive(1, body, 2).messages)
      .map(({ type }) => type);
    expect(types).toEqual(["vote-reply", "appended", "heartbeat-reply"]);
  });

  test("if election timeout elapses without hearing the leader or granting a vote: campaign", () => {
    const lone = new Lone();
    lone.receive(1, append(1, 1));
    for (let i = 0; i < 20; i += 1) {
      const silent = lone.advance(400);
      expect(of(silent, "vote")).toEqual([]);
      const body =
        i % 2 === 0 ? append(1, 1) : ({ type: "heartbeat", round: i, commit: 1 } as const);
      lone.receive(1, body);
    }
    // Pre-votes first: the term is not raised before a quorum would vote (thesis, section 9.6).
    expect(of(lone.advance(1_000), "vote")).toMatchObject([
      { isPre: true, term: 2, to: id(1) },
      { isPre: true, term: 2, to: id(2) },
    ]);
    expect(lone.status.term).toBe(1);
  });

  test("granting a vote resets the election timeout, refusing one does not", () => {
    const granted = new Lone({ terms: [1] });
    granted.advance(20);
    granted.receive(1, vote(2, 1), 2);
    expect(of(granted.advance(499), "vote")).toEqual([]);
  });
});

describe("candidates", () => {
  test("on conversion: increment currentTerm, vote for self, send RequestVote to all others", () => {
    const lone = new Lone({ terms: [1, 1] });
    lone.input({ type: "campaign" });
    const out = lone.receive(1, { type: "vote-reply", isPre: true, isGranted: true }, 2);
    expect(out.writes.at(-1)?.hardState).toMatchObject({ term: 2, vote: id(0) });
    const asked = { isPre: false, term: 2, lastIndex: 3, lastTerm: 1 };
    expect(of(out, "vote")).toMatchObject([
      { ...asked, to: id(1) },
      { ...asked, to: id(2) },
    ]);
  });

  test("if votes received from majority of servers: become leader", () => {
    const lone = new Lone({ voters: 5 });
    lone.input({ type: "campaign" });
    const granted = { type: "vote-reply", isGranted: true } as const;
    for (const from of [1, 2]) lone.receive(from, { ...granted, isPre: true }, 2);
    lone.receive(1, { ...granted, isPre: false }, 2);
    lone.receive(1, { ...granted, isPre: false }, 2);
    expect(lone.status.role).toBe("candidate");
    lone.receive(2, { ...granted, isPre: false }, 2);
    expect(lone.status).toMatchObject({ role: "leader", leader: id(0), term: 2 });
  });

  test("its own vote counts when it is on disk", () => {
    const lone = new Lone();
    lone.input({ type: "campaign" });
    lone.isDiskHeld = true;
    const granted = { type: "vote-reply", isGranted: true } as const;
    lone.receive(1, { ...granted, isPre: true }, 2);
    lone.receive(1, { ...granted, isPre: false }, 2);
    expect(lone.status.role).toBe("candidate");
    lone.sync();
    expect(lone.status.role).toBe("leader");
  });

  test("if AppendEntries RPC received from new leader: convert to follower", () => {
    const lone = new Lone();
    lone.input({ type: "campaign" });
    lone.receive(1, { type: "vote-reply", isPre: true, isGranted: true }, 2);
    lone.receive(2, append(1, 1, [2]), 2);
    expect(lone.status).toMatchObject({ role: "follower", leader: id(2), term: 2 });
  });

  test("if election timeout elapses: start new election", () => {
    const lone = new Lone();
    lone.input({ type: "campaign" });
    lone.receive(1, { type: "vote-reply", isPre: true, isGranted: true }, 2);
    expect(of(lone.advance(1_000), "vote")[0]).toMatchObject({ isPre: true, term: 3 });
  });

  test("election timeouts are drawn at random from once to twice the time", () => {
    const delays = Array.from({ length: 50 }, () => 0).map((_, i) => {
      const lone = new Lone();
      for (let n = 0; n < i; n += 1) lone.receive(1, append(1, 1));
      let ms = 0;
      while (of(lone.advance(5), "vote").length === 0) ms += 5;
      return ms;
    });
    // The first one began at the start, half a second before.
    const drawn = delays.slice(1);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(495);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1_000);
    expect(new Set(drawn).size).toBeGreaterThan(20);
  });
});

describe("leaders", () => {
  test("upon election: send an AppendEntries RPC to each server", () => {
    // Not an empty one: the entry of the new term is ready.
    expect(of(new Lone().elect(), "append").map((each) => each.to)).toEqual([id(1), id(2)]);
  });

  test("send heartbeats during idle periods to prevent election timeouts", () => {
    const lone = new Lone().lead();
    const beats = of(lone.advance(300), "heartbeat");
    expect(beats.filter((each) => each.to === id(1))).toHaveLength(3);
  });

  test("if command received: append entry to local log, respond after it is committed", () => {
    const lone = new Lone().lead();
    const out = lone.propose("a");
    expect(out.outcomes).toEqual([]);
    expect(out.writes[0]?.append?.after).toBe(2);
    const { outcomes, committed } = lone.ack(1);
    expect(outcomes).toEqual([{ type: "committed", id: 1, index: 3, term: 2 }]);
    expect(committed).toMatchObject([{ index: 3 }]);
  });

  test("if last log index >= nextIndex: send entries starting at nextIndex", () => {
    const lone = new Lone().lead();
    lone.propose("a");
    const { messages } = lone.propose("b");
    // Without waiting for an answer (thesis, section 10.2.2).
    expect(messages).toMatchObject([
      { type: "append", to: id(1), prevIndex: 3, entries: [{ index: 4 }] },
      { type: "append", to: id(2), prevIndex: 3, entries: [{ index: 4 }] },
    ]);
  });

  test("if successful: update nextIndex and matchIndex for follower", () => {
    const lone = new Lone().lead();
    lone.propose("a");
    lone.ack(1);
    // An older answer that comes late changes nothing.
    lone.ack(1, 2);
    const { messages } = lone.propose("b");
    expect(to(1, { messages })).toMatchObject([{ prevIndex: 3 }]);
  });

  test("if AppendEntries fails because of log inconsistency: decrement nextIndex and retry", () => {
    const lone = new Lone({ terms: [1, 1, 1] });
    lone.elect();
    const body = { ...refused, index: 4, hintIndex: 2, hintTerm: 1 };
    const { messages } = lone.receive(1, body);
    expect(messages).toMatchObject([{ type: "append", to: id(1), prevIndex: 2, prevTerm: 1 }]);
  });

  test("a late refusal changes nothing", () => {
    const lone = new Lone({ terms: [1, 1, 1] }).lead();
    const { messages } = lone.receive(1, { ...refused, index: 3, hintIndex: 1, hintTerm: 1 });
    expect(messages).toEqual([]);
  });

  test("if a majority of matchIndex[i] >= N and log[N].term == currentTerm: commitIndex = N", () => {
    const lone = new Lone({ voters: 5 }).lead(1, 2);
    lone.propose("a");
    lone.ack(1);
    expect(lone.raft.commit).toBe(2);
    lone.ack(3);
    expect(lone.raft.commit).toBe(3);
  });

  test("an entry of an earlier term is not committed by counting (section 5.4.2, Figure 8)", () => {
    const lone = new Lone({ terms: [1, 2] });
    lone.elect();
    lone.ack(1, 3);
    lone.ack(2, 3);
    expect(lone.raft.commit).toBe(1);
    lone.ack(1, 4);
    expect(lone.raft.commit).toBe(4);
  });

  test("the leader's own disk counts like a follower's, and no more (thesis, section 10.2.1)", () => {
    const lone = new Lone().lead();
    lone.isDiskHeld = true;
    const { messages } = lone.propose("a");
    // It sends before it has written,
    expect(messages).toHaveLength(2);
    lone.ack(1, 3);
    expect(lone.raft.commit).toBe(2);
    // and the others may commit without it.
    lone.ack(2, 3);
    expect(lone.raft.commit).toBe(3);
    expect(lone.sync().committed).toEqual([]);
  });
});
