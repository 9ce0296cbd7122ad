import { describe, expect, test } from "@jest/globals";
import {
  membershipLimits as limits,
  membershipTimes as times,
} from "../../../../src/protocol/membership/limits.js";
import { MembershipBench } from "../../../support/membership-bench.js";
import { addressOf, bootOf, idOf, wireOf } from "../../../support/membership-entries.js";

const answer = (bench: MembershipBench, number: number): void => {
  for (const message of bench.sent(number, "ping")) {
    if (message.type === "ping") bench.tell(number, { type: "ack", seq: message.seq });
  }
};

describe("a link that comes up", () => {
  test("is greeted with what this node knows, its own entry first", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.linkUp(3);
    const [updates] = bench.sent(3, "updates");
    const ids = updates?.type === "updates" ? updates.entries.map((entry) => entry.id) : [];
    expect(ids).toEqual([idOf(1), idOf(2)]);
  });

  test("makes a member when the node has introduced itself, with its roles and labels", () => {
    const bench = new MembershipBench(1);
    bench.linkUp(2);
    expect(bench.events()).toEqual([]);
    const entry = wireOf(2, { roles: ["ai"], labels: { zone: "a" } });
    bench.tell(2, { type: "updates", entries: [entry] });
    expect(bench.events()).toEqual(["node-up 2"]);
    expect(bench.core.member(idOf(2))).toMatchObject({ roles: ["ai"], labels: { zone: "a" } });
    expect(bench.members()).toEqual([1, 2]);
  });

  test("of a boot that is over is closed", () => {
    const bench = new MembershipBench(1);
    bench.meet(2);
    bench.tell(2, { type: "updates", entries: [wireOf(2, { status: "left", incarnation: 1 })] });
    bench.linkDown(2);
    bench.clear();
    bench.linkUp(2);
    expect(bench.of("disconnect").map((effect) => effect.id)).toEqual([idOf(2)]);
  });
});

describe("a node that dies by kill -9", () => {
  test("is redialled at once, and is down at once when it was the only other one", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.linkDown(2);
    expect(bench.of("connect").map((effect) => effect.target.address)).toEqual([addressOf(2)]);
    expect(bench.events()).toEqual([]);
    bench.refused(2);
    expect(bench.events()).toEqual(["node-suspect 2", "node-down 2"]);
    expect(bench.members()).toEqual([1]);
  });

  test("is told on for the first three who say so: of three, two are others to whoever judges", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5, 6, 7, 8);
    const toldOn = [3, 4, 5, 6, 7].map((accuser) => {
      bench.clear();
      bench.suspect(accuser, 2, true);
      return bench.sent(8, "suspect").length;
    });
    expect(toldOn).toEqual([1, 1, 1, 0, 0]);
  });

  test("is answered with the verdict once all must have heard of it, and not while they are told", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5);
    bench.linkDown(2);
    bench.refused(2);
    for (const accuser of [3, 4]) bench.suspect(accuser, 2, true);
    expect(bench.sent(5, "updates")).toMatchObject([
      { entries: [{ id: idOf(2), status: "down" }] },
    ]);
    bench.clear();
    bench.suspect(5, 2, true);
    expect(bench.sent(5)).toEqual([]);
    bench.run(times.periodMs);
    bench.clear();
    bench.suspect(5, 2, true);
    expect(bench.sent(5, "updates")).toMatchObject([
      { entries: [{ id: idOf(2), status: "down" }] },
    ]);
  });

  test("is told on each new link until it is down: who was not there to hear it counts as well", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4);
    bench.linkDown(2);
    bench.refused(2);
    bench.clear();
    bench.linkUp(5);
    const claim = { type: "suspect", id: idOf(2), from: idOf(1), refused: true };
    expect(bench.sent(5, "suspect")).toMatchObject([claim]);
    for (const accuser of [3, 4]) bench.suspect(accuser, 2, true);
    expect(bench.members()).not.toContain(2);
    bench.clear();
    bench.linkUp(6);
    expect(bench.sent(6, "suspect")).toEqual([]);
  });

  test("is down when two others have lost it as well, and not before", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5);
    bench.linkDown(2);
    bench.refused(2);
    bench.suspect(3, 2, true);
    expect(bench.events()).toEqual(["node-suspect 2"]);
    bench.suspect(4, 2, false);
    expect(bench.events()).toEqual(["node-suspect 2"]);
    bench.suspect(4, 2, true);
    expect(bench.events()).toEqual(["node-suspect 2", "node-down 2"]);
  });

  test("is not down on one node's word while others reach it: it refutes and stays", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4);
    bench.linkDown(2);
    bench.refused(2);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { incarnation: 1 })] });
    bench.suspect(3, 2, true);
    bench.suspect(4, 2, true);
    expect(bench.events()).toEqual(["node-suspect 2", "node-up 2"]);
    expect(bench.members()).toEqual([1, 2, 3, 4]);
  });

  test("that restarts is first ended as restarted, then up in its new boot", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.linkDown(2);
    bench.linkUp(2, 2);
    bench.tell(2, { type: "updates", entries: [wireOf(2, { boot: bootOf(2) })] }, 2);
    expect(bench.events()).toEqual(["node-down 2", "node-up 2"]);
    expect(bench.of("event")[0]?.event).toMatchObject({ reason: "restarted" });
  });
});

describe("a silent node", () => {
  test("is probed, then asked for through helpers, then suspected", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.run(times.periodMs);
    answer(bench, 3);
    expect(bench.sent(2, "ping")).toHaveLength(1);
    bench.run(times.probeTimeoutMinMs);
    const [request] = bench.sent(3, "ping-req");
    expect(request).toMatchObject({ id: idOf(2), status: "alive" });
    bench.run(times.indirectTimeoutMs * 2);
    expect(bench.events()).toContain("node-suspect 2");
  });

  test("is spared when a helper reaches it", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.run(times.periodMs);
    answer(bench, 3);
    bench.run(times.probeTimeoutMinMs);
    const [request] = bench.sent(3, "ping-req");
    const seq = request?.type === "ping-req" ? request.seq : 0;
    bench.tell(3, { type: "ping-res", seq, reached: true });
    bench.clear();
    bench.run(times.indirectTimeoutMs);
    expect(bench.events()).toEqual([]);
  });

  test("ends only after its link has ended, so that no message comes after node-down", () => {
    const bench = new MembershipBench(1).meet(2);
    while (bench.of("disconnect").length === 0 && bench.now < 20_000) bench.run(10);
    expect(bench.of("disconnect").map((effect) => effect.id)).toEqual([idOf(2)]);
    expect(bench.events()).toEqual(["node-suspect 2"]);
    bench.linkDown(2);
    expect(bench.events()).toEqual(["node-suspect 2", "node-down 2"]);
  });

  test("ends also when the link layer never tells the end of the link", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.run(times.periodMs * 5 + times.suspicionBaseMs + times.linkEndMaxMs);
    expect(bench.events()).toEqual(["node-suspect 2", "node-down 2"]);
  });
});

describe("this node's own standing", () => {
  test("a suspicion of it is refuted with a higher incarnation, to everybody", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.suspect(2, 1, false, 4);
    for (const number of [2, 3]) {
      const [updates] = bench.sent(number, "updates");
      const entries = updates?.type === "updates" ? updates.entries : [];
      expect(entries).toMatchObject([{ id: idOf(1), incarnation: 5, status: "alive" }]);
    }
    expect(bench.events()).toEqual([]);
  });

  test("a ping that shows a wrong belief is answered with the truth", () => {
    const bench = new MembershipBench(1).meet(2);
    const claim = { id: idOf(1), boot: bootOf(1), incarnation: 0 };
    bench.tell(2, { type: "ping", ...claim, seq: 7, status: "down" });
    expect(bench.sent(2, "ack")).toEqual([{ type: "ack", seq: 7 }]);
    expect(bench.sent(2, "updates")).not.toEqual([]);
    expect(bench.core.self.status).toBe("alive");
  });

  test("an older boot of its own id changes nothing", () => {
    const bench = new MembershipBench(1).meet(2);
    const old = wireOf(1, { boot: bootOf(0), incarnation: 9, status: "down" });
    bench.tell(2, { type: "updates", entries: [old] });
    expect(bench.effects).toEqual([]);
  });

  test("a newer start of its own id is logged once, loudly", () => {
    const bench = new MembershipBench(1).meet(2);
    const twin = wireOf(1, { boot: bootOf(9) });
    bench.tell(2, { type: "updates", entries: [twin, twin] });
    expect(bench.of("log").map((effect) => effect.level)).toEqual(["error"]);
  });

  test("draining is told to all and shown; a suspicion of it is refuted as draining", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.feed({ type: "drain" });
    bench.feed({ type: "drain" });
    expect(bench.events()).toEqual(["node-draining 1"]);
    expect(bench.sent(2, "updates")).toHaveLength(1);
    bench.suspect(2, 1, false, 1);
    expect(bench.core.self.status).toBe("draining");
  });

  test("leaving is told before the links are closed, and then nothing happens any more", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.feed({ type: "leave" });
    const kinds = bench.effects.map((effect) => effect.type);
    expect(kinds.indexOf("send")).toBeLessThan(kinds.indexOf("disconnect"));
    expect(bench.of("disconnect")).toMatchObject([{ id: idOf(2), graceful: true }]);
    expect(bench.sent(2, "updates")).toMatchObject([{ entries: [{ status: "left" }] }]);
    bench.clear();
    bench.run(60_000);
    expect(bench.effects).toEqual([]);
  });
});

describe("a paused process that wakes up", () => {
  test("judges nobody on what it did not read while it slept", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.run(times.periodMs * 2 + times.probeTimeoutMinMs);
    bench.clear();
    bench.freeze(10_000);
    expect(bench.events()).toEqual([]);
    expect(bench.core.report(bench.now).judging).toBe(false);
    bench.linkDown(2);
    bench.refused(2);
    expect(bench.events()).toEqual([]);
    bench.run(times.lagGraceMs - 1);
    expect(bench.events()).toEqual([]);
  });

  test("does not act on evidence from before the pause until the grace is over", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4);
    bench.linkDown(2);
    bench.refused(2);
    bench.freeze(10_000);
    bench.suspect(3, 2, true);
    bench.suspect(4, 2, true);
    expect(bench.events()).not.toContain("node-down 2");
    bench.run(times.lagGraceMs + times.periodMs);
    bench.linkDown(2);
    expect(bench.events()).toContain("node-down 2");
  });

  test("gives verdicts again after the grace", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.freeze(10_000);
    bench.run(times.lagGraceMs);
    bench.linkDown(2);
    bench.refused(2);
    expect(bench.events()).toContain("node-down 2");
  });
});

describe("a rumour of death", () => {
  test("about a node with a live link is checked first, and dropped when that node refutes", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { status: "down" })] });
    expect(bench.events()).toEqual([]);
    expect(bench.sent(2, "ping")).toMatchObject([{ status: "down" }]);
    bench.tell(2, { type: "updates", entries: [wireOf(2, { incarnation: 1 })] });
    bench.run(times.probeTimeoutMinMs);
    expect(bench.events()).toEqual([]);
    expect(bench.members()).toEqual([1, 2, 3]);
  });

  test("is believed when the accused does not answer", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { status: "down" })] });
    bench.run(times.probeTimeoutMinMs);
    bench.linkDown(2);
    expect(bench.events()).toEqual(["node-down 2"]);
  });

  test("about a node without a link is believed at once and told on once", () => {
    const bench = new MembershipBench(1).meet(3, 4);
    bench.tell(3, { type: "updates", entries: [wireOf(2)] });
    bench.clear();
    const rumour = { type: "updates", entries: [wireOf(2, { status: "down" })] } as const;
    bench.tell(3, rumour);
    bench.tell(4, rumour);
    expect(bench.events()).toEqual(["node-down 2"]);
    expect(bench.sent(4, "updates")).toHaveLength(1);
    expect(bench.sent(3, "updates")).toHaveLength(0);
  });

  test("that is refuted before the link has ended is never shown, and the link is opened again", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { status: "down" })] });
    bench.run(times.probeTimeoutMinMs);
    expect(bench.of("disconnect")).toHaveLength(1);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { incarnation: 1 })] });
    bench.clear();
    bench.linkDown(2);
    expect(bench.of("connect").map((effect) => effect.target.id)).toEqual([idOf(2)]);
    expect(bench.events()).toEqual([]);
  });

  test("that was wrong ends with the same boot up again", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.linkDown(2);
    bench.tell(3, { type: "updates", entries: [wireOf(2, { status: "down" })] });
    bench.linkUp(2);
    bench.tell(2, { type: "updates", entries: [wireOf(2, { incarnation: 1 })] });
    expect(bench.events()).toEqual(["node-down 2", "node-up 2"]);
    expect(bench.of("event")[1]?.event).toMatchObject({ previous: "down" });
  });
});

describe("the mesh", () => {
  const tellOf = (bench: MembershipBench, from: number, numbers: readonly number[]): void => {
    bench.tell(from, { type: "updates", entries: numbers.map((number) => wireOf(number)) });
  };
  const dialled = (bench: MembershipBench) => bench.of("connect").map(({ target }) => target.id);
  const higher = Array.from({ length: 40 }, (_, index) => 10 + index);

  test("of few members is opened at once", () => {
    const bench = new MembershipBench(9).meet(1);
    tellOf(bench, 1, [2, 3, 4, 5, 6]);
    expect(dialled(bench)).toEqual([2, 3, 4, 5, 6].map(idOf));
  });

  test("of many begins with two links, and goes on once nobody has joined for a while", () => {
    const bench = new MembershipBench(1).meet(2);
    tellOf(bench, 2, higher);
    expect(dialled(bench)).toEqual([idOf(10)]);
    bench.run(times.settleMs - 1);
    tellOf(bench, 2, [60]);
    bench.run(times.settleMs - 1);
    expect(dialled(bench)).toEqual([idOf(10)]);
    bench.run(1 + times.settleMs);
    expect(dialled(bench).length).toBeGreaterThan(2);
  });

  test("is filled at last though members keep joining", () => {
    const bench = new MembershipBench(1).meet(2);
    tellOf(bench, 2, higher.slice(0, 10));
    const unlinked = higher.slice(1, 10).map(idOf);
    const isFilling = () => dialled(bench).some((id) => unlinked.includes(id ?? idOf(0)));
    for (let number = 60; bench.now < times.settleMaxMs; number += 1) {
      tellOf(bench, 2, [number]);
      answer(bench, 2);
      expect(isFilling()).toBe(false);
      bench.run(0.9 * times.settleMs);
    }
    expect(isFilling()).toBe(true);
  });

  test("has at most four dials in flight while it is filled, and goes on as they end", () => {
    const bench = new MembershipBench(1).meet(2);
    tellOf(bench, 2, higher);
    bench.run(times.settleMs);
    expect(dialled(bench)).toHaveLength(limits.fillingDialsMax);
    bench.linkUp(10);
    expect(dialled(bench)).toHaveLength(limits.fillingDialsMax + 1);
    const { id = idOf(0), address = "" } = bench.of("connect")[1]?.target ?? {};
    bench.feed({ type: "dial-failed", id, address, code: "ERR_DIAL_FAILED" });
    expect(dialled(bench)).toHaveLength(limits.fillingDialsMax + 2);
  });

  test("dials a link that broke at once, however many are in flight and whoever joins", () => {
    const bench = new MembershipBench(100).meet(1, 2);
    tellOf(bench, 1, higher);
    bench.clear();
    bench.linkDown(2);
    expect(dialled(bench)).toEqual([idOf(2)]);
  });

  test("is filled later, and one dial at a time, by a process that is late itself", () => {
    const bench = new MembershipBench(1).meet(2);
    tellOf(bench, 2, higher);
    bench.feed({ type: "lag", lagMs: times.lagNoticeMs });
    bench.linkUp(10);
    bench.run(2 * times.settleMs - 1);
    expect(dialled(bench)).toHaveLength(1);
    bench.run(1);
    expect(dialled(bench)).toHaveLength(2);
    bench.linkUp(11);
    expect(dialled(bench)).toHaveLength(3);
  });

  test("leaves the dial to the lower id while links come up, but not for ever", () => {
    const bench = new MembershipBench(100).meet(1, 2);
    tellOf(bench, 1, higher);
    bench.run(times.dialPatienceMs - 1);
    bench.linkUp(10);
    bench.run(times.dialPatienceMs - 1);
    expect(dialled(bench)).toEqual([]);
    bench.run(times.periodMs);
    expect(dialled(bench)).not.toEqual([]);
  });

  test("follows a node to its new address", () => {
    const bench = new MembershipBench(1).meet(3);
    bench.tell(3, { type: "updates", entries: [wireOf(2)] });
    bench.tell(3, { type: "updates", entries: [wireOf(2, { boot: bootOf(2), address: "new:1" })] });
    expect(bench.of("connect").map((effect) => effect.target.address)).toEqual([
      addressOf(2),
      "new:1",
    ]);
  });
});

describe("addresses", () => {
  test("from discovery are dialled when they belong to no member, and once", () => {
    const bench = new MembershipBench(1).meet(2);
    const addresses = [addressOf(1), addressOf(2), "seed:1"];
    bench.feed({ type: "discovered", addresses });
    bench.feed({ type: "discovered", addresses });
    expect(bench.of("connect")).toEqual([{ type: "connect", target: { address: "seed:1" } }]);
  });

  test("are dialled a few at a time, those of members no more, and another for each that fails", () => {
    const bench = new MembershipBench(1);
    const numbers = [2, 3, 4, 5, 6, 7, 8, 9];
    bench.feed({ type: "discovered", addresses: numbers.map(addressOf) });
    const dialled = () => bench.of("connect").map(({ target }) => target.address);
    expect(dialled()).toHaveLength(limits.seedDialsMax);
    const [refused = "", answered = ""] = dialled();
    bench.feed({ type: "dial-refused", address: refused });
    expect(dialled()).toHaveLength(limits.seedDialsMax + 1);
    const number = numbers.find((each) => addressOf(each) === answered) ?? 0;
    const others = numbers.filter((each) => !dialled().includes(addressOf(each)));
    bench.linkUp(number);
    const entries = [number, ...others].map((each) => wireOf(each));
    bench.tell(number, { type: "updates", entries });
    bench.clear();
    bench.run(2 * times.settleMs);
    expect(bench.of("connect").filter(({ target }) => target.id === undefined)).toEqual([]);
  });

  test("that do not answer keep nobody waiting", () => {
    const bench = new MembershipBench(1);
    const addresses = [2, 3, 4, 5, 6, 7, 8, 9].map(addressOf);
    bench.feed({ type: "discovered", addresses });
    bench.run(2 * times.settleMs);
    expect(new Set(bench.of("connect").map(({ target }) => target.address)).size).toBe(8);
  });

  test("that discovery no longer has are forgotten, and dialled again when it has them again", () => {
    const bench = new MembershipBench(1);
    for (const addresses of [["seed:1"], [], ["seed:1"]])
      bench.feed({ type: "discovered", addresses });
    const kinds = bench.effects.map((effect) => effect.type);
    expect(kinds.filter((kind) => kind === "connect" || kind === "forget")).toEqual([
      "connect",
      "forget",
      "connect",
    ]);
  });

  test("that turn out to be this node itself are forgotten", () => {
    const bench = new MembershipBench(1);
    bench.feed({ type: "discovered", addresses: ["localhost:1"] });
    bench.feed({ type: "dial-failed", address: "localhost:1", code: "ERR_SELF_DIAL" });
    expect(bench.of("forget")).toEqual([{ type: "forget", address: "localhost:1" }]);
    bench.clear();
    bench.run(5 * times.healIntervalMs);
    expect(bench.of("connect")).toEqual([]);
  });

  test("of a down member are tried again, one dial each time", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.linkDown(2);
    bench.refused(2);
    bench.clear();
    bench.run(times.healIntervalMs);
    expect(bench.of("connect")).toEqual([{ type: "connect", target: { address: addressOf(2) } }]);
    bench.feed({ type: "dial-refused", address: addressOf(2) });
    expect(bench.of("forget")).toEqual([{ type: "forget", address: addressOf(2) }]);
  });
});

describe("what a peer sends", () => {
  test("is counted and ignored when it is malformed or unknown", () => {
    const bench = new MembershipBench(1).meet(2);
    for (const message of [null, "x", { type: "future" }, { type: "updates", entries: [{}] }]) {
      bench.tell(2, message as never);
    }
    expect(bench.of("count").map((effect) => effect.counter)).toEqual(
      new Array(4).fill("message-malformed"),
    );
    expect(bench.members()).toEqual([1, 2]);
  });

  test("over a link of another boot than the present one is ignored", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.tell(2, { type: "updates", entries: [wireOf(3)] }, 7);
    expect(bench.effects).toEqual([]);
  });

  test("about a node that is gone is corrected: whoever believes in it is told", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.tell(2, { type: "updates", entries: [wireOf(4, { status: "left", incarnation: 1 })] });
    bench.clear();
    bench.tell(3, { type: "updates", entries: [wireOf(4)] });
    expect(bench.sent(3)).toMatchObject([{ entries: [{ id: idOf(4), status: "left" }] }]);
    expect(bench.sent(2)).toEqual([]);
    expect(bench.events()).toEqual([]);
  });

  test("a digest is answered with the buckets that differ, and a sync with what is newer", () => {
    const [one, other] = [new MembershipBench(1).meet(3), new MembershipBench(2).meet(3)];
    one.tell(3, { type: "updates", entries: [wireOf(4, { status: "left", incarnation: 3 })] });
    one.meet(2);
    other.meet(1);
    other.tell(1, { type: "sum", sum: 1 });
    const [digest] = other.sent(1, "digest");
    if (!digest) throw new Error("no digest was sent");
    one.clear();
    one.tell(2, digest);
    const [sync] = one.sent(2, "sync");
    if (!sync) throw new Error("no sync was sent");
    other.tell(1, sync);
    expect(other.core.report(other.now).tombstones).toBeGreaterThanOrEqual(1);
  });

  test("what got lost is found by asking a neighbour now and then whether it knows the same", () => {
    const bench = new MembershipBench(1).meet(2);
    bench.run(times.settleMs);
    bench.clear();
    bench.run(times.syncIntervalMs);
    expect(bench.sent(2, "sum").length).toBeGreaterThan(0);
  });
});
