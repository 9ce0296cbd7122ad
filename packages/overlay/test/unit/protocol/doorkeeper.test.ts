import { describe, expect, test } from "@jest/globals";
import { DOOR } from "../../../src/limits.js";
import { Doorkeeper, type Guest } from "../../../src/protocol/doorkeeper.js";

const door = () => new Doorkeeper<string>();
const limitOf = (entrance: ReturnType<Doorkeeper<string>["enter"]>) =>
  entrance.type === "refused" ? entrance.limit : "taken";
const taken = (entrance: ReturnType<Doorkeeper<string>["enter"]>): Guest<string> => {
  if (entrance.type === "refused") throw new Error(`refused by ${entrance.limit}`);
  return entrance.guest;
};

describe("the doorkeeper", () => {
  test("takes 128 strangers in all; one more is refused while all of them are young", () => {
    const keeper = door();
    for (let i = 0; i < 128; i += 1) taken(keeper.enter(`${i}`, `10.0.${i}.1`, 0));
    expect(limitOf(keeper.enter("more", "10.1.0.1", 999))).toBe("strangersMax");
    expect(limitOf(keeper.enter("local", undefined, 999))).toBe("strangersMax");
    expect(keeper.strangers).toBe(DOOR.strangersMax);
  });

  test("lets the oldest stranger go for a new one once it is slow, so that a flood of the slow keeps nobody out", () => {
    const keeper = door();
    for (let i = 0; i < 128; i += 1) taken(keeper.enter(`${i}`, `10.0.${i}.1`, i));
    const entrance = keeper.enter("honest", "10.1.0.1", 1_000);
    expect(entrance).toMatchObject({ type: "taken", evicted: { handle: "0", state: "gone" } });
    expect(limitOf(keeper.enter("next", "10.1.0.2", 1_000))).toBe("strangersMax");
    expect(keeper.strangers).toBe(128);
  });

  test("takes 16 strangers of one address, and 17 when one has left or proved itself", () => {
    const keeper = door();
    const guests = Array.from({ length: 16 }, (_, i) => taken(keeper.enter(`${i}`, "10.0.0.1", 0)));
    expect(limitOf(keeper.enter("17th", "10.0.0.1", 0))).toBe("strangersPerAddressMax");
    expect(limitOf(keeper.enter("other", "10.0.0.2", 0))).toBe("taken");
    keeper.leave(guests[0] as Guest<string>);
    keeper.leave(guests[0] as Guest<string>);
    expect(limitOf(keeper.enter("again", "10.0.0.1", 0))).toBe("taken");
    expect(limitOf(keeper.enter("again", "10.0.0.1", 0))).toBe("strangersPerAddressMax");
  });

  test("takes 32 connections of one address at once and 32 a second afterwards", () => {
    const keeper = door();
    const visit = (nowMs: number) => {
      const entrance = keeper.enter("x", "10.0.0.1", nowMs);
      if (entrance.type === "taken") keeper.leave(entrance.guest);
      return limitOf(entrance);
    };
    const burst = Array.from({ length: 40 }, () => visit(0));
    expect(burst.filter((limit) => limit === "taken")).toHaveLength(32);
    expect(burst.at(-1)).toBe("arrivalsPerSecondMax");
    let later = 0;
    for (let ms = 1; ms <= 10_000; ms += 5) if (visit(ms) === "taken") later += 1;
    expect(later).toBeGreaterThanOrEqual(319);
    expect(later).toBeLessThanOrEqual(321);
  });

  test("refuses an address for a minute after its fifth failure within a minute, and no other", () => {
    const keeper = door();
    for (let i = 0; i < 5; i += 1) {
      const guest = taken(keeper.enter("x", "10.0.0.1", i * 1_000));
      keeper.leave(guest);
      keeper.fail(guest, i * 1_000);
    }
    expect(limitOf(keeper.enter("x", "10.0.0.1", 4_001))).toBe("failuresMax");
    expect(limitOf(keeper.enter("x", "10.0.0.1", 63_999))).toBe("failuresMax");
    expect(limitOf(keeper.enter("x", "10.0.0.2", 4_001))).toBe("taken");
    expect(limitOf(keeper.enter("x", "10.0.0.1", 64_000))).toBe("taken");
  });

  test("counts keys that are not known only after 3 s, so that many behind one address may try their next", () => {
    const keeper = door();
    const wrongKey = (nowMs: number) => {
      const guest = taken(keeper.enter("x", "10.0.0.1", nowMs));
      keeper.leave(guest);
      keeper.fail(guest, nowMs, "key");
    };
    for (let i = 0; i < 12; i += 1) wrongKey(i);
    const good = taken(keeper.enter("good", "10.0.0.1", 100));
    keeper.prove(good);
    keeper.leave(good);
    expect(limitOf(keeper.enter("x", "10.0.0.1", 10_000))).toBe("taken");
    for (let i = 0; i < 12; i += 1) wrongKey(20_000 + i);
    expect(limitOf(keeper.enter("x", "10.0.0.1", 22_999))).toBe("taken");
    expect(limitOf(keeper.enter("x", "10.0.0.1", 23_004))).toBe("failuresMax");
    expect(limitOf(keeper.enter("x", "10.0.0.1", 83_003))).toBe("failuresMax");
    expect(limitOf(keeper.enter("x", "10.0.0.1", 83_004))).toBe("taken");
  });

  test("refuses an address at once after 64 keys that are not known: that is no key ring", () => {
    const keeper = door();
    for (let i = 0; i < DOOR.keyFailuresMax; i += 1) {
      const guest = taken(keeper.enter("x", "10.0.0.1", i * 40));
      keeper.leave(guest);
      keeper.fail(guest, i * 40, "key");
    }
    expect(limitOf(keeper.enter("x", "10.0.0.1", 2_600))).toBe("failuresMax");
  });

  test("takes 500 new strangers a second of all addresses, loopback included, however fast they go", () => {
    const keeper = door();
    const visit = (nowMs: number) => {
      const entrance = keeper.enter("x", undefined, nowMs);
      if (entrance.type === "taken") keeper.leave(entrance.guest);
      return limitOf(entrance);
    };
    const burst = Array.from({ length: 600 }, () => visit(0));
    expect(burst.filter((limit) => limit === "taken")).toHaveLength(DOOR.strangersPerSecondMax);
    expect(burst.at(-1)).toBe("strangersPerSecondMax");
    expect(visit(2)).toBe("taken");
    expect(visit(2)).toBe("strangersPerSecondMax");
  });

  test("forgives failures that lie apart, and all of them once somebody there proves himself", () => {
    const keeper = door();
    const failAt = (ms: number) => {
      const guest = taken(keeper.enter("x", "10.0.0.1", ms));
      keeper.fail(guest, ms);
      keeper.leave(guest);
    };
    for (let i = 0; i < 12; i += 1) failAt(i * 15_001);
    const now = 12 * 15_001 + DOOR.failureWindowMs;
    for (let i = 0; i < 3; i += 1) failAt(now + i);
    keeper.prove(taken(keeper.enter("member", "10.0.0.1", now + 10)));
    for (let i = 0; i < 20; i += 1) failAt(now + 20 + i);
    expect(limitOf(keeper.enter("x", "10.0.0.1", now + 100))).toBe("taken");
  });

  test("does not count against an address what members do, before or after their connection has ended", () => {
    const keeper = door();
    for (let i = 0; i < 10; i += 1) {
      const member = taken(keeper.enter("m", "10.0.0.1", i));
      keeper.prove(member);
      keeper.fail(member, i);
      keeper.leave(member);
      keeper.fail(member, i);
    }
    expect(limitOf(keeper.enter("x", "10.0.0.1", 10))).toBe("taken");
  });

  test("counts members neither as strangers nor by their address, and strangers never against them", () => {
    const keeper = door();
    const members = Array.from({ length: 1_000 }, (_, i) => {
      const guest = taken(keeper.enter("m", "10.0.0.1", i * 1_000));
      keeper.prove(guest);
      keeper.prove(guest);
      return guest;
    });
    expect([keeper.strangers, keeper.members]).toEqual([0, 1_000]);
    for (let i = 0; i < 128; i += 1) taken(keeper.enter("s", "10.0.0.1", 1_000_000));
    expect(keeper.members).toBe(1_000);
    for (const member of members) keeper.leave(member);
    expect([keeper.strangers, keeper.members]).toEqual([128, 0]);
  });

  test("takes nobody any more while as many are connected as may be", () => {
    const keeper = door();
    const first = taken(keeper.enter("m", undefined, 0));
    keeper.prove(first);
    for (let i = 1; i < DOOR.membersMax; i += 1)
      keeper.prove(taken(keeper.enter("m", undefined, 2 * i)));
    expect(limitOf(keeper.enter("m", undefined, 100_000))).toBe("membersMax");
    keeper.leave(first);
    expect(limitOf(keeper.enter("m", undefined, 100_000))).toBe("taken");
  });

  test("exempts nobody's address but loopback's from the bound of all strangers", () => {
    const keeper = door();
    for (let i = 0; i < 128; i += 1) taken(keeper.enter("l", undefined, 0));
    expect(limitOf(keeper.enter("l", undefined, 0))).toBe("strangersMax");
  });

  test("holds what refused connections have used up against their address", () => {
    const keeper = door();
    for (let i = 0; i < 128; i += 1) taken(keeper.enter("l", undefined, 0));
    const limits = Array.from({ length: 33 }, () => limitOf(keeper.enter("x", "10.0.0.1", 0)));
    expect(limits.slice(0, 32)).toEqual(Array(32).fill("strangersMax"));
    expect(limits[32]).toBe("arrivalsPerSecondMax");
  });

  test("remembers a bounded number of addresses, and always those with a connection", () => {
    const keeper = door();
    const stays = taken(keeper.enter("stays", "192.0.2.1", 0));
    keeper.prove(stays);
    for (let i = 0; i < 3 * DOOR.addressesMax; i += 1) {
      const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      keeper.leave(taken(keeper.enter("x", address, 2 * i)));
    }
    expect(keeper.places).toBe(DOOR.addressesMax + 1);
    for (let i = 0; i < 40; i += 1) taken(keeper.enter("x", "192.0.2.1", 0));
  });
});
