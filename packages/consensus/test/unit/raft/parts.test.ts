/** The log, the progress of followers, quorums and writes, each by itself. */
import { describe, expect, test } from "@jest/globals";
import { RAFT_LIMITS } from "../../../src/limits.js";
import {
  changed,
  configurationOf,
  type Configuration,
} from "../../../src/protocol/raft/configuration.js";
import { RaftLog } from "../../../src/protocol/raft/log.js";
import { Outbox } from "../../../src/protocol/raft/outbox.js";
import { Progress } from "../../../src/protocol/raft/progress.js";
import { quorumReached, voteResult } from "../../../src/protocol/raft/quorum.js";
import { Timers } from "../../../src/protocol/raft/timers.js";
import { commands, id } from "./lone.js";

describe("the log", () => {
  test("what no write has taken is taken once, from a cut on again", () => {
    const log = new RaftLog(0, 0, commands(1, [1, 1]));
    expect(log.takeUnwritten()).toBeUndefined();
    log.append(commands(3, [1, 1, 1]));
    expect(log.takeUnwritten()).toMatchObject({ after: 2, entries: [{ index: 3 }, {}, {}] });
    log.truncate(1);
    log.append(commands(2, [2]));
    expect(log.takeUnwritten()).toEqual({ after: 1, entries: commands(2, [2]) });
    expect(log.takeUnwritten()).toBeUndefined();
  });

  test("a slice has at least one entry, and ends at its size, its count or the log's end", () => {
    const log = new RaftLog(0, 0, commands(1, [1, 1, 1, 1]));
    expect(log.slice(2, 9, 1, 9)).toHaveLength(1);
    expect(log.slice(2, 9, 1_000, 2)).toHaveLength(2);
    expect(log.slice(2, 3, 1_000, 9)).toHaveLength(2);
    expect(log.slice(2, 9, 1_000, 9)).toHaveLength(3);
    expect(log.slice(5, 4, 1_000, 9)).toHaveLength(0);
  });

  test("compaction keeps the term of the last entry that is gone, and counts bytes", () => {
    const log = new RaftLog(0, 0, commands(1, [1, 2, 3]));
    const bytes = log.sizeBytes;
    log.compact(2);
    expect([log.firstIndex, log.lastIndex, log.termAt(2), log.termAt(1)]).toEqual([
      3,
      3,
      2,
      undefined,
    ]);
    expect(log.sizeBytes).toBeCloseTo(bytes / 3, 9);
    expect(() => log.slice(2, 3, 1, 1)).toThrow(/compacted/);
    log.restore(9, 4);
    expect([log.firstIndex, log.lastIndex, log.lastTerm, log.sizeBytes]).toEqual([10, 9, 4, 0]);
  });

  test("where logs may agree: the last index of a term not above the other's", () => {
    const log = new RaftLog(0, 0, commands(1, [1, 1, 3, 3, 5]));
    expect(log.lastNotAbove(5, 4)).toBe(4);
    expect(log.lastNotAbove(9, 5)).toBe(5);
    expect(log.lastNotAbove(5, 2)).toBe(2);
    expect(log.lastNotAbove(5, 0)).toBe(0);
  });

  test("a gap and a falling term are bugs", () => {
    const log = new RaftLog(0, 0, commands(1, [2]));
    expect(() => log.append(commands(3, [2]))).toThrow(/gap/);
    expect(() => log.append(commands(2, [1]))).toThrow(/term/);
  });
});

describe("progress of a follower", () => {
  const limits = { ...RAFT_LIMITS, inflightMessagesMax: 2 };

  test("probe: one message at a time, until it is answered", () => {
    const progress = new Progress(id(1), 5, 0);
    progress.sent([]);
    expect(progress.isBlocked(limits)).toBe(true);
    expect(progress.refused(4, 2)).toBe(true);
    expect([progress.next, progress.isBlocked(limits)]).toEqual([3, false]);
    expect(progress.refused(4, 1)).toBe(false);
  });

  test("replicate: next runs ahead; the window frees with what is acknowledged, in any order", () => {
    const progress = new Progress(id(1), 1, 0);
    progress.replicate();
    progress.sent(commands(1, [1]));
    progress.sent(commands(2, [1, 1]));
    expect([progress.next, progress.isBlocked(limits)]).toEqual([4, true]);
    progress.appended(3);
    expect([progress.match, progress.isBlocked(limits)]).toEqual([3, false]);
    expect(progress.appended(1)).toBe(false);
    expect(progress.match).toBe(3);
  });

  test("a refusal in replicate goes back to what is acknowledged; an old one is ignored", () => {
    const progress = new Progress(id(1), 1, 0);
    progress.replicate();
    progress.sent(commands(1, [1, 1, 1]));
    progress.appended(2);
    expect(progress.refused(2, 0)).toBe(false);
    expect(progress.refused(3, 0)).toBe(true);
    expect([progress.state, progress.next]).toEqual(["probe", 3]);
  });

  test("a full window lets one message pass when the follower is heard", () => {
    const progress = new Progress(id(1), 1, 0);
    progress.replicate();
    progress.sent(commands(1, [1]));
    progress.sent(commands(2, [1]));
    progress.resume(limits);
    expect(progress.isBlocked(limits)).toBe(false);
  });

  test("a long window is kept right over thousands of answers", () => {
    const progress = new Progress(id(1), 1, 0);
    progress.replicate();
    for (let i = 1; i <= 5_000; i += 1) {
      progress.sent(commands(i, [1]));
      if (i > 100) progress.appended(i - 100);
      expect(progress.isFull(RAFT_LIMITS)).toBe(false);
    }
    progress.appended(5_000);
    for (let i = 0; i < 255; i += 1) progress.sent(commands(5_001 + i, [1]));
    expect(progress.isFull(RAFT_LIMITS)).toBe(false);
    progress.sent(commands(5_256, [1]));
    expect(progress.isFull(RAFT_LIMITS)).toBe(true);
  });
});

describe("quorums", () => {
  const reached = (values: readonly number[]) => {
    const voters = configurationOf(values.map((_, i) => id(i)));
    return quorumReached(voters, (member) => values[Number.parseInt(member, 16)] ?? 0);
  };

  test.each([
    [[5], 5],
    [[5, 3], 3],
    [[5, 3, 1], 3],
    [[9, 7, 5, 3], 5],
    [[9, 7, 5, 3, 1], 5],
    [[0, 0, 9], 0],
    [[10, 9, 100], 10],
  ])("of %j a majority has reached %i", (values, expected) => {
    expect(reached(values)).toBe(expected);
  });

  test("a joint configuration has reached what both halves have", () => {
    const joint = changed(
      configurationOf([id(0), id(1), id(2)]),
      [3, 4, 5].map((i) => ({ type: "add-voter", id: id(i) }) as const),
      "joint",
      9,
    ) as Configuration;
    const have = (members: readonly number[]) =>
      quorumReached(joint, (member) => (members.includes(Number.parseInt(member, 16)) ? 7 : 0));
    expect(have([0, 1])).toBe(0);
    expect(have([0, 3, 4, 5])).toBe(0);
    expect(have([0, 1, 3, 4])).toBe(7);
  });

  test("a vote is won, lost or open; nobody wins an empty configuration", () => {
    const voters = configurationOf([0, 1, 2].map(id));
    const result = (...votes: (boolean | undefined)[]) =>
      voteResult(voters, (member) => votes[Number.parseInt(member, 16)]);
    expect(result(true, true)).toBe("won");
    expect(result(true, false)).toBe("pending");
    expect(result(true, false, false)).toBe("lost");
    expect(voteResult(configurationOf([]), () => true)).toBe("lost");
  });
});

describe("writes", () => {
  const hardState = { term: 1, vote: undefined, commit: 0 };
  const entry = (index: number) => ({ after: index - 1, entries: commands(index, [1]) });

  test("an acknowledgement of what was overwritten since counts only up to the cut", () => {
    const outbox = new Outbox(4);
    outbox.takeWrite(hardState, false, entry(5), 5, 0);
    outbox.cut(3);
    expect(outbox.durableIndex).toBe(3);
    outbox.takeWrite(hardState, false, entry(4), 4, 0);
    outbox.takeWrite(hardState, false, entry(5), 5, 0);
    // The write of the former entry 5: the same index, and perhaps the same term, as the new one's.
    outbox.persisted(1);
    expect(outbox.durableIndex).toBe(3);
    outbox.persisted(2);
    expect(outbox.durableIndex).toBe(4);
    outbox.persisted(3);
    expect(outbox.durableIndex).toBe(5);
  });

  test("the oldest open write tells how long the disk has been busy", () => {
    const outbox = new Outbox(0);
    outbox.takeWrite(hardState, true, undefined, 0, 10);
    outbox.takeWrite(hardState, true, undefined, 0, 20);
    expect(outbox.writingSince).toBe(10);
    outbox.persisted(1);
    expect(outbox.writingSince).toBe(20);
    outbox.persisted(2);
    expect(outbox.writingSince).toBeUndefined();
  });

  test("what waits for a disk that stands still is bounded", () => {
    const outbox = new Outbox(0);
    const vote = { type: "vote-reply", isPre: false, isGranted: false } as const;
    outbox.takeWrite(hardState, true, undefined, 0, 0);
    for (let term = 1; term <= 5_000; term += 1) {
      outbox.sendDurable({ group: "g", from: id(0), to: id(1), term, ...vote });
      outbox.takeWrite(hardState, false, undefined, 0, 0);
    }
    expect(outbox.take([]).counts).toHaveLength(904);
    expect(outbox.persisted(1)).toHaveLength(4_096);
  });

  test("an acknowledgement of a write that was never begun is a bug", () => {
    expect(() => new Outbox(0).persisted(1)).toThrow(/never begun/);
  });
});

describe("timers", () => {
  test("a deadline that moves later asks for no new alarm", () => {
    const timers = new Timers();
    timers.set("election", 100);
    expect(timers.takeAlarm()).toBe(100);
    timers.set("election", 200);
    expect(timers.takeAlarm()).toBeUndefined();
    expect(timers.fired(100)).toEqual([]);
    expect(timers.takeAlarm()).toBe(200);
    timers.set("disk", 150);
    expect(timers.takeAlarm()).toBe(150);
    expect(timers.fired(200)).toEqual([
      { name: "election", lateMs: 0 },
      { name: "disk", lateMs: 50 },
    ]);
    expect(timers.takeAlarm()).toBeUndefined();
  });
});
