import { afterEach, describe, expect, it } from "@jest/globals";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import { bytes, Table, type Seat, type SeatOptions } from "./rig.js";

let table: Table;

async function seated(size: number, options: SeatOptions = {}): Promise<Table> {
  table = new Table(size, options);
  await table.open();
  await table.led();
  return table;
}

afterEach(() => table.close());

async function write(seat: Seat, count: number, text = "x".repeat(100)): Promise<void> {
  const asked = Array.from({ length: count }, (_, i) => seat.group.propose(bytes(`${i} ${text}`)));
  await table.run(Promise.all(asked));
}

describe("changes of members", () => {
  it("make a new member a voter once it has caught up, asked at a follower", async () => {
    await seated(3);
    const leader = await table.led();
    const follower = table.others(leader.name)[0]!;
    await write(leader, 5);
    const { id, name } = table.cluster.add({ name: "new" });
    const added = await table.sit(name, { firstVoters: [] });
    await table.run(follower.group.change([{ type: "add-when-caught-up", id }]));
    await table.clock.advance(2_000);
    expect(added.group.status().configuration.voters).toContain(id);
    expect(added.machine.texts).toHaveLength(5);
    expect((await table.run(added.group.propose(bytes("mine")))).response).toBe("6:mine");
  });

  it("leave a member out, and the group goes on without it, also when it led", async () => {
    await seated(3);
    const leader = await table.led();
    await table.run(leader.group.change([{ type: "remove", id: leader.id }]));
    const rest = table.others(leader.name);
    const next = await table.led(rest.map(({ name }) => name));
    expect(next.group.status().configuration).toEqual(configurationOf(rest.map(({ id }) => id)));
    await table.run(next.group.propose(bytes("on")));
    const asked = leader.group.propose(bytes("off"), { timeout: "1s" });
    await expect(table.run(asked)).rejects.toMatchObject({ code: "ERR_NO_QUORUM" });
  });

  it("that make no sense are refused with the reason", async () => {
    await seated(3);
    const leader = await table.led();
    const [one] = table.others(leader.name);
    const removeAll = table.ids.map((id) => ({ type: "remove", id }) as const);
    await expect(table.run(one!.group.change(removeAll))).rejects.toMatchObject({
      code: "ERR_GROUP_REFUSED",
      details: { reason: "invalid" },
    });
  });
});

describe("a transfer", () => {
  it("hands the leadership to the member that was named, asked anywhere", async () => {
    await seated(3);
    const leader = await table.led();
    const [one, other] = table.others(leader.name);
    expect(await table.run(one!.group.transfer(other!.id))).toBe(other!.id);
    expect((await table.led()).id).toBe(other!.id);
  });

  it("loses no proposal that is made meanwhile", async () => {
    await seated(3);
    const leader = await table.led();
    const [one] = table.others(leader.name);
    const moved = leader.group.transfer();
    const asked = [leader, one!].map(({ group, name }) => group.propose(bytes(name)));
    await table.run(Promise.all([moved, ...asked]));
    expect(await table.agreed()).toHaveLength(2);
  });

  it("to somebody who does not answer is refused, and the leader leads on", async () => {
    await seated(3);
    const leader = await table.led();
    const [one] = table.others(leader.name);
    await table.crash(one!.name);
    await expect(table.run(leader.group.transfer(one!.id))).rejects.toMatchObject({
      code: "ERR_GROUP_REFUSED",
    });
    expect((await table.run(leader.group.propose(bytes("still")))).response).toBe("1:still");
  });

  it("comes before the end of a leader that is closed, so nobody waits for a timeout", async () => {
    await seated(3);
    const leader = await table.led();
    const rest = table.others(leader.name).map(({ name }) => name);
    const before = table.clock.now();
    await table.run(leader.group.close());
    await table.clock.advance(10);
    await table.led(rest);
    expect(table.clock.now() - before).toBeLessThan(100);
  });
});

describe("snapshots", () => {
  const small = { limits: { snapshotLogBytes: 4_000, snapshotLogBytesMax: 4_000 } };

  it("keep the log short, and a start begins with the newest", async () => {
    await seated(1, small);
    const [seat] = [...table.seats.values()];
    for (let i = 0; i < 10; i += 1) await write(seat!, 20);
    const key = `consensus_snapshots_taken_total{group="group-1"}`;
    expect(seat!.meter.get(key)).toBeGreaterThan(3);
    await table.crash(seat!.name);
    const back = await table.restart(seat!.name, seat!.storage, small);
    expect(back.machine.restores).toBe(1);
    await table.led();
    await table.run(back.group.read());
    expect(back.machine.texts).toEqual(seat!.machine.texts);
    expect(back.machine.times).toEqual(seat!.machine.times);
  });

  it("bring a member up that lacks what the log has no more, in chunks", async () => {
    await seated(3, { ...small, raft: { limits: { chunkBytesMax: 1_000 } } });
    const leader = await table.led();
    const lagging = table.others(leader.name)[0]!;
    await table.crash(lagging.name);
    for (let i = 0; i < 10; i += 1) await write(leader, 20);
    const back = await table.restart(lagging.name, lagging.storage, small);
    await table.run(back.group.read());
    expect(back.machine.restores).toBe(1);
    expect(back.machine.texts).toHaveLength(200);
    await write(back, 3);
    expect(await table.agreed()).toHaveLength(203);
  });

  it("that arrive go on after the member was crashed in the middle of it", async () => {
    const chunks = {
      raft: { limits: { chunkBytesMax: 300 } },
      logLimits: { snapshotPartBytes: 600 },
    };
    const options = { ...small, ...chunks };
    await seated(3, options);
    const leader = await table.led();
    const lagging = table.others(leader.name)[0]!;
    await table.crash(lagging.name);
    for (let i = 0; i < 10; i += 1) await write(leader, 20);
    const half = await table.restart(lagging.name, lagging.storage, options);
    const staged = async (): Promise<boolean> =>
      (await half.storage.list("raft/")).some((file) => file.endsWith("/staging"));
    for (let i = 0; i < 2_000 && !(await staged()); i += 1) await table.clock.advance(1);
    expect(await staged()).toBe(true);
    expect(half.machine.restores).toBe(0);
    await table.crash(half.name);
    const back = await table.restart(half.name, half.storage, options);
    await table.run(back.group.read());
    expect(back.machine.restores).toBe(1);
    expect(back.machine.texts).toEqual(leader.machine.texts);
  });

  it("bring a new member up while the group is being written to", async () => {
    await seated(3, small);
    const leader = await table.led();
    for (let i = 0; i < 10; i += 1) await write(leader, 20);
    const { id, name } = table.cluster.add({ name: "new" });
    const added = await table.sit(name, { ...small, firstVoters: [] });
    await table.run(leader.group.change([{ type: "add-when-caught-up", id }]));
    for (let i = 0; i < 10; i += 1) await write(leader, 20);
    await table.clock.advance(1_000);
    expect(added.group.status().configuration.voters).toContain(id);
    expect(added.machine.restores).toBeGreaterThan(0);
    expect(await table.agreed()).toHaveLength(400);
  });
});

describe("a member whose disk takes no more writes", () => {
  it("takes part no more and says why; the others go on", async () => {
    await seated(3);
    const leader = await table.led();
    const statuses = leader.group.watchStatus()[Symbol.asyncIterator]();
    await statuses.next();
    leader.storage.failOn("append", "no space left on device");
    const asked = leader.group.propose(bytes("lost"));
    await expect(table.run(asked)).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    expect((await table.run(statuses.next())).value).toMatchObject({
      role: "follower",
      failure: { code: "ERR_LOG_READ_ONLY" },
    });
    await expect(leader.group.propose(bytes("x"))).rejects.toMatchObject({
      code: "ERR_LOG_READ_ONLY",
    });
    const rest = table.others(leader.name).map(({ name }) => name);
    const next = await table.led(rest);
    await table.run(next.group.propose(bytes("on")));
    await table.run(leader.group.close());
  });
});

describe("a leader whose disk is slow", () => {
  it("takes no more than it can write soon, and every proposal is applied in the end", async () => {
    table = new Table(3, { limits: { unpersistedBytesMax: 200 } });
    table.diskMs = () => 40;
    await table.open();
    const leader = await table.led();
    const [one] = table.others(leader.name);
    const texts = Array.from({ length: 60 }, (_, i) => `slow ${i}`);
    const asked = texts.map((text, i) => [leader, one!][i % 2]!.group.propose(bytes(text)));
    await table.clock.advance(1);
    await table.run(Promise.all(asked));
    expect([...(await table.agreed())].sort()).toEqual([...texts].sort());
  });
});

describe("a member whose machine throws", () => {
  it("takes part no more and says why", async () => {
    await seated(3);
    const leader = await table.led();
    const broken = table.others(leader.name)[0]!;
    broken.machine.poison = "bad";
    await table.run(leader.group.propose(bytes("bad")));
    await table.clock.advance(500);
    expect(broken.group.status().failure).toMatchObject({ code: "ERR_MEMBER_FAILED" });
    await expect(broken.group.read()).rejects.toMatchObject({ code: "ERR_MEMBER_FAILED" });
    await table.run(leader.group.propose(bytes("good")));
  });
});

describe("two groups in one process", () => {
  it("share nothing: each has its leader, its log and its machine", async () => {
    await seated(3);
    const first = [...table.seats.values()];
    const options = { group: "group-2", firstVoters: table.ids };
    for (const { name, storage } of first) await table.sit(name, options, storage);
    await table.led();
    const second = [...table.seats.values()];
    await table.run(first[0]!.group.propose(bytes("in the first")));
    await table.run(second[1]!.group.propose(bytes("in the second")));
    expect(await table.agreed()).toEqual(["in the second"]);
    expect(first.map(({ machine }) => machine.texts)).toEqual([
      ["in the first"],
      ["in the first"],
      ["in the first"],
    ]);
    await table.run(Promise.all(first.map(({ group }) => group.close())));
    await table.run(second[2]!.group.propose(bytes("the second goes on")));
  });
});

describe("log time", () => {
  it("passes by the leader's monotonic clock, whatever the wall clock does", async () => {
    await seated(3);
    const { group, machine } = await table.led();
    await table.run(group.propose(bytes("a")));
    table.clock.skewWall(86_400_000);
    await table.clock.advance(5_000);
    await table.run(group.propose(bytes("b")));
    const [a = 0, b = 0] = machine.times;
    expect(b - a).toBeGreaterThanOrEqual(5_000);
    expect(b - a).toBeLessThan(5_100);
  });

  it("is the same on every member and never falls when another one leads", async () => {
    await seated(3);
    for (let i = 0; i < 4; i += 1) {
      const leader = await table.led();
      await table.run(leader.group.propose(bytes(`by ${leader.name}`)));
      await table.clock.advance(1_000);
      await table.run(leader.group.transfer());
    }
    await table.agreed();
    const [times = [], ...others] = [...table.seats.values()].map(({ machine }) => machine.times);
    for (const other of others) expect(other).toEqual(times);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual(3_000);
    expect(times.at(-1)!).toBeLessThanOrEqual(table.clock.now());
  });

  it("goes on by a tick when something is due and nobody proposes", async () => {
    await seated(3);
    const leader = await table.led();
    await table.run(leader.group.propose(bytes("due 4000")));
    await table.clock.advance(2_500);
    expect(leader.machine.ticks).toEqual([]);
    await table.clock.advance(2_500);
    await table.agreed();
    for (const { machine } of table.seats.values()) {
      expect(machine.ticks).toHaveLength(1);
      expect(machine.ticks[0]).toBeGreaterThanOrEqual(4_000);
    }
  });

  it("brings what is due about under the next leader when the first one dies", async () => {
    await seated(3);
    const leader = await table.led();
    await table.run(leader.group.propose(bytes("due 4000")));
    await table.clock.advance(500);
    await table.crash(leader.name);
    await table.clock.advance(10_000);
    for (const { machine } of table.seats.values()) {
      expect(machine.ticks.at(-1)).toBeGreaterThanOrEqual(4_000);
      expect(machine.due).toBeUndefined();
    }
  });
});
