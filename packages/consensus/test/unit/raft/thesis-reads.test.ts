/** Linearizable reads: sections 6.4 and 6.4.1 of Ongaro's thesis, and what others got wrong. */
import { describe, expect, test } from "@jest/globals";
import { append, id, Lone, of, type Gathered, type LoneOptions } from "./lone.js";

function read(lone: Lone, request: number): Gathered {
  return lone.input({ type: "read", id: request });
}

/** The members answer the last round of heartbeats. */
function answer(lone: Lone, out: Gathered, ...members: readonly number[]): Gathered {
  const round = Math.max(...of(out, "heartbeat").map((each) => each.round));
  let last = out;
  for (const from of members) last = lone.receive(from, { type: "heartbeat-reply", round });
  return last;
}

describe("ReadIndex (6.4)", () => {
  test("1. a leader that has not committed an entry of its term waits until it has", () => {
    const lone = new Lone({ terms: [1, 1] });
    lone.elect();
    const early = read(lone, 1);
    expect(early).toMatchObject({ reads: [], messages: [] });
    const out = lone.ack(1);
    expect(answer(lone, out, 1).reads).toEqual([{ type: "ready", id: 1, index: 4 }]);
  });

  test("2. the read index is the commit index when the round begins", () => {
    const lone = new Lone().lead();
    lone.propose();
    const out = read(lone, 1);
    lone.ack(1);
    expect(answer(lone, out, 1).reads).toEqual([{ type: "ready", id: 1, index: 2 }]);
  });

  test("3. a round of heartbeats that a majority answers is needed, and an older one is not enough", () => {
    const lone = new Lone({ voters: 5 }).lead(1, 2);
    const older = lone.advance(100);
    const out = read(lone, 1);
    expect(of(out, "heartbeat")).toHaveLength(4);
    expect(answer(lone, older, 1, 2, 3).reads).toEqual([]);
    expect(answer(lone, out, 1, 1).reads).toEqual([]);
    expect(answer(lone, out, 3).reads).toMatchObject([{ id: 1 }]);
  });

  test("4. the read waits for the state machine to reach the read index", () => {
    const lone = new Lone().lead();
    lone.isApplyHeld = true;
    lone.propose();
    lone.ack(1);
    const out = read(lone, 1);
    expect(answer(lone, out, 1).reads).toEqual([]);
    expect(lone.input({ type: "applied", index: 3 }).reads).toEqual([
      { type: "ready", id: 1, index: 3 },
    ]);
  });

  test("reads that come together share a round", () => {
    const lone = new Lone().lead();
    for (const request of [1, 2, 3]) lone.raft.feed({ type: "read", id: request }, lone.now);
    const out = read(lone, 4);
    expect(of(out, "heartbeat")).toHaveLength(2);
    expect(answer(lone, out, 2).reads.map((each) => each.id)).toEqual([1, 2, 3, 4]);
  });

  test("a leader alone in its group has its majority at once", () => {
    const lone = new Lone({ voters: 1 });
    lone.input({ type: "campaign" });
    expect(read(lone, 1).reads).toEqual([{ type: "ready", id: 1, index: 2 }]);
  });

  test("a leader that was deposed meanwhile does not answer, the next one is asked", () => {
    const lone = new Lone().lead();
    const out = read(lone, 1);
    const next = lone.receive(2, append(2, 2, [3]), 3);
    expect(of(next, "read")).toMatchObject([{ to: id(2) }]);
    expect(answer(lone, out, 1).reads).toEqual([]);
    expect(lone.status.leader).toBe(id(2));
  });

  test("a follower asks the leader for a read index, and serves the read when it has applied it", () => {
    const lone = new Lone({ terms: [1] });
    lone.receive(1, append(2, 1));
    const [question] = of(read(lone, 1), "read");
    const { boot = "", sequence = 0 } = question ?? {};
    const reply = { type: "read-reply", boot, sequence, index: 2 } as const;
    expect(lone.receive(1, reply).reads).toEqual([]);
    expect(lone.receive(1, append(2, 1, [], 2)).reads).toEqual([
      { type: "ready", id: 1, index: 2 },
    ]);
  });

  test("a leader answers a follower after a round that began when it was asked", () => {
    const lone = new Lone().lead();
    const out = lone.receive(1, { type: "read", boot: "b", sequence: 5 });
    expect(of(out, "read-reply")).toEqual([]);
    const { messages } = answer(lone, out, 2);
    expect(messages).toMatchObject([
      { type: "read-reply", to: id(1), boot: "b", sequence: 5, index: 2 },
    ]);
  });

  test("equal numbers of two members, or of two starts of one, are never confused (etcd 20418)", () => {
    const lone = new Lone().lead();
    const first = lone.receive(1, { type: "read", boot: "b", sequence: 1 });
    lone.receive(2, { type: "read", boot: "b", sequence: 1 });
    lone.receive(1, { type: "read", boot: "c", sequence: 1 });
    const { messages } = answer(lone, first, 1);
    expect(messages).toMatchObject([{ to: id(1), boot: "b" }]);
    // An answer to the member's former start is nobody's.
    const follower = new Lone();
    follower.receive(1, append(1, 1));
    const [asked] = of(read(follower, 1), "read");
    const foreign = { type: "read-reply", boot: "other", sequence: asked?.sequence ?? 0, index: 1 };
    expect(follower.receive(1, foreign as never).reads).toEqual([]);
  });

  test("a lost question is asked again", () => {
    const lone = new Lone();
    lone.receive(1, append(1, 1));
    const [first] = of(read(lone, 1), "read");
    lone.advance(300);
    lone.receive(1, append(1, 1));
    const [second] = of(lone.advance(300), "read");
    expect(second?.sequence).toBeGreaterThan(first?.sequence ?? Infinity);
  });

  test("a read that nobody answers is refused after its time, one beyond the limit at once", () => {
    const lone = new Lone({ raft: { limits: { readsMax: 1 } } });
    expect(read(lone, 1).reads).toEqual([]);
    expect(read(lone, 2).reads).toEqual([{ type: "refused", id: 2, reason: "busy" }]);
    expect(lone.advance(11_000).reads).toEqual([{ type: "refused", id: 1, reason: "timeout" }]);
    expect(read(lone, 3).reads).toEqual([]);
  });
});

describe("leases (6.4.1)", () => {
  const lease: LoneOptions = { raft: { lease: { driftMax: 0.1 } } };

  test("without being told how clocks drift there are none", () => {
    const lone = new Lone().lead();
    answer(lone, lone.advance(100), 1);
    expect(read(lone, 1).reads).toEqual([]);
  });

  test("a round that a majority answered extends the lease from when the round began", () => {
    const lone = new Lone(lease).lead();
    const out = lone.advance(100);
    lone.advance(50);
    answer(lone, out, 1);
    // The round began 50 ms ago; the lease is an election timeout less the drift: 450 ms.
    lone.now += 399;
    expect(read(lone, 1).reads).toMatchObject([{ type: "ready", id: 1 }]);
    lone.now += 1;
    expect(read(lone, 2).reads).toEqual([]);
  });

  test("a lease ends for good when another member was told to campaign", () => {
    const lone = new Lone(lease).lead();
    answer(lone, lone.advance(100), 1);
    lone.input({ type: "transfer", id: 9, to: id(1) });
    expect(read(lone, 1).reads).toEqual([]);
    answer(lone, lone.advance(100), 1);
    expect(read(lone, 2).reads).toEqual([]);
  });

  test("a lease does not outlive a change of members", () => {
    const lone = new Lone(lease).lead();
    answer(lone, lone.advance(100), 1);
    lone.input({ type: "change", id: 1, changes: [{ type: "add-voter", id: id(3) }] });
    expect(read(lone, 2).reads).toEqual([]);
  });

  test("a new leader has no lease from its former term", () => {
    const lone = new Lone(lease).lead();
    answer(lone, lone.advance(100), 1);
    lone.receive(2, { type: "append-refused", index: 0, hintIndex: 0, hintTerm: 0 }, 5);
    lone.lead();
    expect(read(lone, 1).reads).toEqual([]);
  });

  test("with leases a broken link is no reason to doubt the leader", () => {
    const follower = (options: LoneOptions) => {
      const lone = new Lone(options);
      lone.receive(1, append(1, 1));
      lone.input({ type: "unreachable", peer: id(1) });
      return of(lone.advance(150), "vote").length;
    };
    expect(follower({})).toBe(2);
    expect(follower(lease)).toBe(0);
  });

  test("with leases a voter that heard its leader does not campaign by hand before the lease has run out", () => {
    const asked = (options: LoneOptions, laterMs: number) => {
      const lone = new Lone(options);
      lone.receive(1, append(1, 1));
      // Its own clock is not asked: only the word of an operator, or of the group's shell.
      lone.now += laterMs;
      return of(lone.input({ type: "campaign" }), "vote").length;
    };
    expect(asked({}, 100)).toBe(2);
    expect(asked(lease, 100)).toBe(0);
    expect(asked(lease, 499)).toBe(0);
    expect(asked(lease, 500)).toBe(2);
  });

  test("a drift that makes no sense is refused", () => {
    for (const driftMax of [0, 1, -1, Number.NaN]) {
      expect(() => new Lone({ raft: { lease: { driftMax } } })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });
});
