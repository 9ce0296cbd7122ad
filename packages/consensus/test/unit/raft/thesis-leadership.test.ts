/** Handing leadership over (thesis 3.10), ceasing to lead (6.2), pre-votes (9.6), and fates told. */
import { describe, expect, test } from "@jest/globals";
import { append, commands, id, Lone, of, to, vote } from "./lone.js";

const higher = { type: "append-refused", index: 0, hintIndex: 0, hintTerm: 0 } as const;

describe("leadership transfer (3.10)", () => {
  test("1. the prior leader stops accepting new requests", () => {
    const lone = new Lone().lead();
    lone.input({ type: "transfer", id: 9, to: id(1) });
    expect(lone.propose().outcomes).toMatchObject([{ reason: "transferring" }]);
  });

  test("2. it brings the target's log up to its own, 3. then sends TimeoutNow", () => {
    const lone = new Lone().lead();
    lone.propose();
    const out = lone.input({ type: "transfer", id: 9, to: id(1) });
    expect(of(out, "timeout-now")).toEqual([]);
    expect(of(lone.ack(1), "timeout-now")).toMatchObject([{ to: id(1), term: 2 }]);
    expect(of(lone.ack(1), "timeout-now")).toEqual([]);
  });

  test("TimeoutNow has the same effect as the election timer firing, without a pre-vote", () => {
    const lone = new Lone();
    lone.receive(1, append(1, 1));
    const out = lone.receive(1, { type: "timeout-now" });
    expect(of(out, "vote")).toMatchObject([
      { term: 2, isPre: false, isTransfer: true },
      { term: 2, isPre: false, isTransfer: true },
    ]);
  });

  test("it is done when the target is heard as leader", () => {
    const lone = new Lone().lead();
    lone.input({ type: "transfer", id: 9, to: id(1) });
    lone.receive(1, { type: "vote", isPre: false, isTransfer: true, lastIndex: 2, lastTerm: 2 }, 3);
    expect(lone.status.role).toBe("follower");
    expect(lone.receive(1, append(2, 2, [3]), 3).outcomes).toEqual([
      { type: "transferred", id: 9, to: id(1) },
    ]);
  });

  test("if it is not done after an election timeout, the prior leader resumes", () => {
    const lone = new Lone().lead();
    lone.input({ type: "transfer", id: 9, to: id(1) });
    for (let i = 0; i < 4; i += 1) {
      lone.advance(124);
      lone.ack(1);
      lone.ack(2);
    }
    const { outcomes, notices } = lone.advance(10);
    expect(outcomes).toMatchObject([{ type: "not-applied", id: 9, reason: "timeout" }]);
    expect(notices).toEqual([{ type: "transfer-abandoned", to: id(1) }]);
    expect(lone.propose().outcomes).toEqual([]);
  });

  test("without a name it goes to the voter that has most", () => {
    const lone = new Lone().lead();
    lone.propose();
    lone.ack(2);
    expect(of(lone.input({ type: "transfer", id: 9 }), "timeout-now")).toMatchObject([
      { to: id(2) },
    ]);
  });

  test("nobody who cannot lead is asked; to itself it is done at once", () => {
    const lone = new Lone().lead();
    const transfer = (target: number) =>
      lone.input({ type: "transfer", id: 9 + target, to: id(target) }).outcomes;
    expect(transfer(7)).toMatchObject([{ type: "not-applied", reason: "invalid" }]);
    expect(transfer(0)).toMatchObject([{ type: "transferred" }]);
    expect(new Lone().input({ type: "transfer", id: 1 }).outcomes).toMatchObject([
      { reason: "not-leader" },
    ]);
  });
});

describe("a leader that cannot lead (6.2)", () => {
  test("steps down if an election timeout passes without hearing a majority", () => {
    const lone = new Lone({ voters: 5 }).lead(1, 2);
    for (let i = 0; i < 20; i += 1) {
      lone.advance(100);
      lone.receive(1, { type: "heartbeat-reply", round: 1 });
      lone.receive(2, { type: "heartbeat-reply", round: 1 });
    }
    expect(lone.status.role).toBe("leader");
    for (let i = 0; i < 8; i += 1) {
      lone.advance(100);
      lone.receive(1, { type: "heartbeat-reply", round: 1 });
    }
    expect(lone.status).toMatchObject({ role: "follower", leader: undefined, term: 2 });
  });

  test("does not step down because it stood still itself, if the others are heard afterwards", () => {
    const lone = new Lone().lead();
    lone.now += 3_000;
    lone.input({ type: "alarm" });
    expect(lone.status.role).toBe("leader");
    lone.ack(1);
    lone.advance(100);
    expect(lone.status.role).toBe("leader");
    lone.advance(1_000);
    expect(lone.status.role).toBe("follower");
  });

  test("a member that is always late is spared once only", () => {
    const lone = new Lone().lead();
    for (const role of ["leader", "follower"]) {
      lone.now += 3_000;
      lone.input({ type: "alarm" });
      expect(lone.status.role).toBe(role);
    }
  });

  test("a follower that stood still itself hears what arrived before it campaigns", () => {
    const lone = new Lone();
    lone.now += 3_000;
    expect(of(lone.input({ type: "alarm" }), "vote")).toEqual([]);
    lone.receive(1, append(1, 1));
    expect(of(lone.advance(400), "vote")).toEqual([]);
    expect(of(lone.advance(1_000), "vote")).toHaveLength(2);
  });

  test("steps down when its disk stands still, and asks the best voter to lead", () => {
    const lone = new Lone().lead();
    lone.isDiskHeld = true;
    lone.propose();
    const notices: unknown[] = [];
    const asked: unknown[] = [];
    for (let i = 0; i < 21; i += 1) {
      const out = lone.advance(100);
      notices.push(...out.notices);
      asked.push(...of(out, "timeout-now"));
      lone.ack(1, 3);
      lone.receive(2, { type: "heartbeat-reply", round: 1 });
    }
    expect(notices).toEqual([{ type: "stepped-down", reason: "disk-stalled" }]);
    expect(asked).toMatchObject([{ to: id(1), term: 2 }]);
    // It does not campaign either, before the disk answers.
    expect(of(lone.advance(5_000), "vote")).toEqual([]);
    lone.sync();
    expect(of(lone.advance(1_000), "vote").length).toBeGreaterThan(0);
  });

  test("steps down at the very moment for which it set its alarm, also between two milliseconds", () => {
    const lone = new Lone();
    // 500.2 + 2000 - 500.2 is a little less than 2000.
    lone.now = 500.2;
    lone.lead();
    lone.isDiskHeld = true;
    lone.propose();
    lone.now += 2_000;
    lone.ack(1);
    const { notices } = lone.input({ type: "alarm" });
    expect(notices).toEqual([{ type: "stepped-down", reason: "disk-stalled" }]);
  });

  test("a disk that is slow but answers is no reason", () => {
    const lone = new Lone({ voters: 1 });
    lone.input({ type: "campaign" });
    for (let i = 0; i < 30; i += 1) {
      lone.isDiskHeld = true;
      lone.propose();
      lone.advance(1_500);
      lone.sync();
    }
    expect(lone.status.role).toBe("leader");
  });
});

describe("pre-votes (9.6)", () => {
  test("a server that was partitioned does not raise its term, so it disrupts nobody when it returns", () => {
    const lone = new Lone();
    lone.advance(60_000);
    expect(lone.status).toMatchObject({ role: "pre-candidate", term: 1 });
    lone.receive(1, append(1, 1));
    expect(lone.status).toMatchObject({ role: "follower", term: 1 });
  });

  test("a pre-vote changes neither term nor vote, and may be given to several", () => {
    const lone = new Lone();
    for (const from of [1, 2]) {
      const { messages, writes } = lone.receive(from, vote(1, 1, true), 2);
      expect(messages).toMatchObject([
        { type: "vote-reply", isPre: true, isGranted: true, term: 2 },
      ]);
      expect(writes).toEqual([]);
    }
    expect(lone.status.term).toBe(1);
  });

  test("an asker that is behind learns the term from the refusal", () => {
    const lone = new Lone({ term: 5 });
    expect(lone.receive(1, vote(1, 1, true), 3).messages).toMatchObject([
      { type: "vote-reply", isGranted: false, term: 5 },
    ]);
    const asker = new Lone();
    asker.input({ type: "campaign" });
    asker.receive(1, { type: "vote-reply", isPre: true, isGranted: false }, 5);
    expect(asker.status).toMatchObject({ role: "follower", term: 5 });
  });

  test("of two that ask in one moment, with equal logs, the one of the greater id gives way", () => {
    const lone = new Lone();
    const ask = vote(1, 1, true);
    const granted = (out: ReturnType<Lone["receive"]>): unknown[] =>
      of(out, "vote-reply").map(({ isGranted }) => isGranted);
    lone.input({ type: "campaign" });
    expect(granted(lone.receive(1, ask, 2))).toEqual([false]);
    // A better log is let try all the same, and so is whoever asks a moment later.
    expect(granted(lone.receive(2, vote(2, 1, true), 2))).toEqual([true]);
    lone.advance(100);
    expect(granted(lone.receive(1, ask, 2))).toEqual([true]);
  });

  test("a lost pre-vote ends the attempt", () => {
    const lone = new Lone();
    lone.input({ type: "campaign" });
    for (const from of [1, 2]) {
      lone.receive(from, { type: "vote-reply", isPre: true, isGranted: false }, 1);
    }
    expect(lone.status).toMatchObject({ role: "follower", term: 1 });
  });
});

describe("fates of proposals", () => {
  test("a proposal that a later leader commits is told as committed, though this one leads no more", () => {
    const lone = new Lone().lead();
    lone.propose();
    lone.receive(2, higher, 5);
    const entry = { type: "empty", index: 4, term: 5 } as const;
    const body = {
      type: "append",
      prevIndex: 3,
      prevTerm: 2,
      entries: [entry],
      commit: 4,
    } as const;
    expect(lone.receive(1, body, 5).outcomes).toEqual([
      { type: "committed", id: 1, index: 3, term: 2 },
    ]);
  });

  test("a proposal whose entry is cut off is not called lost: another member may have it", () => {
    const lone = new Lone().lead();
    lone.propose();
    expect(lone.receive(1, append(2, 2, [3]), 3).outcomes).toEqual([]);
    // And indeed: a third one that has it leads.
    const body = { type: "append", prevIndex: 2, prevTerm: 2, commit: 3 } as const;
    const entries = [...commands(3, [2]), { type: "empty", index: 4, term: 4 } as const];
    expect(lone.receive(2, { ...body, entries }, 4).outcomes).toMatchObject([
      { type: "committed", id: 1 },
    ]);
  });

  test("when another entry is committed in its place, it is not applied, for ever", () => {
    const lone = new Lone().lead();
    lone.propose();
    expect(lone.receive(1, append(2, 2, [3], 3), 3).outcomes).toEqual([
      { type: "not-applied", id: 1, reason: "superseded" },
    ]);
  });

  test("what is not decided in time is unknown", () => {
    const lone = new Lone().lead();
    lone.propose();
    lone.receive(2, higher, 5);
    expect(lone.advance(4_999).outcomes).toEqual([]);
    expect(lone.advance(1).outcomes).toEqual([{ type: "unknown", id: 1 }]);
  });

  test("what a snapshot skips is unknown", () => {
    const lone = new Lone().lead();
    lone.propose();
    const { configuration } = lone.status;
    const snapshot = { id: "s", index: 9, term: 3, configuration };
    const data = new Uint8Array(1);
    const body = { type: "snapshot", snapshot, offset: 0, data, isLast: true } as const;
    expect(lone.receive(1, body, 3).outcomes).toEqual([{ type: "unknown", id: 1 }]);
  });
});

describe("flow control", () => {
  test("beyond the uncommitted bytes a leader takes no commands, and again when some are committed", () => {
    const lone = new Lone({ raft: { limits: { uncommittedBytesMax: 100 } } }).lead();
    expect(lone.propose("a".repeat(90)).outcomes).toEqual([]);
    expect(lone.propose().outcomes).toMatchObject([{ type: "not-applied", reason: "busy" }]);
    lone.ack(1);
    expect(lone.propose().outcomes).toEqual([]);
  });

  test("commands that are too large, and too many without an outcome, are refused", () => {
    const limits = { commandBytesMax: 4, proposalsMax: 2 };
    const lone = new Lone({ raft: { limits } }).lead();
    expect(lone.propose("aaaaa").outcomes).toMatchObject([{ reason: "too-large" }]);
    lone.propose();
    lone.propose();
    expect(lone.propose().outcomes).toMatchObject([{ reason: "busy" }]);
  });

  test("a follower gets as many messages as its window has, and one more for each answer", () => {
    const lone = new Lone({ raft: { limits: { inflightMessagesMax: 2 } } }).lead();
    const sent = [1, 2, 3, 4].map(() => to(1, lone.propose()).length);
    expect(sent).toEqual([1, 1, 0, 0]);
    const freed = to(1, lone.ack(1, 3));
    expect(freed).toMatchObject([{ prevIndex: 4, entries: [{ index: 5 }, { index: 6 }] }]);
  });

  test("a window of bytes closes too", () => {
    const lone = new Lone({ raft: { limits: { inflightBytesMax: 100 } } }).lead();
    expect(to(1, lone.propose("a".repeat(90)))).toHaveLength(1);
    expect(to(1, lone.propose())).toHaveLength(0);
  });

  test("entries that came together leave together; a message is closed at its size", () => {
    const lone = new Lone({ raft: { limits: { appendBytesAim: 100 } } }).lead();
    const data = new Uint8Array(20);
    for (const request of [1, 2, 3]) lone.raft.feed({ type: "propose", id: request, data }, 500);
    const sent = to(1, lone.propose());
    expect(sent.map((each) => each.type === "append" && each.entries.length)).toEqual([2, 2]);
  });

  test("after a lost message the next answer to a heartbeat finds out, and the rest follows", () => {
    const lone = new Lone().lead();
    lone.propose();
    const out = lone.receive(1, { type: "heartbeat-reply", round: 1 });
    expect(of(out, "append")).toMatchObject([{ prevIndex: 3, entries: [] }]);
    const refusal = { type: "append-refused", index: 3, hintIndex: 2, hintTerm: 2 } as const;
    expect(of(lone.receive(1, refusal), "append")).toMatchObject([
      { prevIndex: 2, entries: [{ index: 3 }] },
    ]);
  });

  test("entries are handed out for application as far as its limit allows", () => {
    const terms = [1, 1, 1, 1];
    const lone = new Lone({ terms, raft: { limits: { applyEntriesMax: 2 } } });
    lone.isApplyHeld = true;
    const first = lone.receive(1, append(5, 1, [], 5));
    expect(first.committed).toMatchObject([{ index: 2 }, { index: 3 }]);
    expect(lone.input({ type: "applied", index: 2 }).committed).toMatchObject([{ index: 4 }]);
    expect(lone.input({ type: "applied", index: 4 }).committed).toMatchObject([{ index: 5 }]);
  });

  test("logs that differ meet after one message a term, not an entry (section 5.3)", () => {
    const leader = new Lone({ terms: [1, ...Array.from({ length: 100 }, () => 4)], term: 4 });
    leader.elect();
    const own = Array.from({ length: 100 }, () => 2);
    const follower = new Lone({ terms: [1, ...own], term: 2 });
    const refusal = of(follower.receive(1, append(102, 4, []), 5), "append-refused")[0];
    expect(refusal).toMatchObject({ hintIndex: 102, hintTerm: 2 });
    if (!refusal) throw new Error("not refused");
    const { index, hintIndex, hintTerm } = refusal;
    const body = { type: "append-refused", index, hintIndex, hintTerm } as const;
    expect(of(leader.receive(1, body), "append")).toMatchObject([{ prevIndex: 2, prevTerm: 1 }]);
  });
});

describe("what is not for this member", () => {
  test("messages of a group of the same name that was founded apart are not heard", () => {
    const lone = new Lone();
    const envelope = { group: "other", from: id(1), to: id(0), term: 9 };
    const out = lone.input({ type: "message", message: { ...envelope, ...append(1, 1) } });
    expect(out.messages).toEqual([]);
    expect(lone.status.term).toBe(1);
  });

  test("messages to another member are not heard", () => {
    const lone = new Lone();
    const envelope = { group: "g", from: id(1), to: id(2), term: 9 };
    lone.input({ type: "message", message: { ...envelope, ...append(1, 1) } });
    expect(lone.status.term).toBe(1);
  });
});
