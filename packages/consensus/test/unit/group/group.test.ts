import { afterEach, describe, expect, it } from "@jest/globals";
import { decode } from "../../../src/group/wire/decode.js";
import { encodeShell } from "../../../src/group/wire/encode.js";
import { prefixOf } from "../../../src/group/wire/format.js";
import { bytes, GROUP, Journal, Table, type SeatOptions } from "./rig.js";

const PREFIX = prefixOf(GROUP);

let table: Table;

async function seated(size: number, options: SeatOptions = {}): Promise<Table> {
  table = new Table(size, options);
  await table.open();
  await table.led();
  return table;
}

afterEach(() => table.close());

describe.each([1, 3, 5])("a group of %d", (size) => {
  it("gives a proposal at any member its place and the response of that place", async () => {
    await seated(size);
    const answers: string[] = [];
    for (const { group } of table.seats.values()) {
      answers.push((await table.run(group.propose(bytes("hello")))).response);
    }
    expect(answers).toEqual(Array.from({ length: size }, (_, i) => `${i + 1}:hello`));
    expect(await table.agreed()).toHaveLength(size);
  });

  it("answers many proposals made at once, each by its own response", async () => {
    await seated(size);
    const seats = [...table.seats.values()];
    const texts = Array.from({ length: 60 }, (_, i) => `command ${i}`);
    const all = texts.map((text, i) => seats[i % size]!.group.propose(bytes(text)));
    const answers = await table.run(Promise.all(all));
    answers.forEach(({ response }, i) => expect(response).toMatch(new RegExp(`:${texts[i]}$`)));
    expect(new Set(answers.map(({ index }) => index)).size).toBe(60);
    expect([...(await table.agreed())].sort()).toEqual([...texts].sort());
  });
});

describe("reads", () => {
  it("see at every member what was acknowledged at another before", async () => {
    await seated(3);
    for (const { group } of table.seats.values()) {
      const { index } = await table.run(group.propose(bytes("x")));
      for (const seat of table.seats.values()) {
        expect(await table.run(seat.group.read())).toBeGreaterThanOrEqual(index);
        expect(seat.group.status().appliedIndex).toBeGreaterThanOrEqual(index);
      }
    }
  });

  it("end with no quorum when the member is cut off, and nothing of it is left", async () => {
    await seated(3);
    const leader = await table.led();
    table.cluster.partition([leader.name]);
    const read = leader.group.read({ timeout: "1s" });
    await expect(table.run(read)).rejects.toMatchObject({ code: "ERR_NO_QUORUM", retryable: true });
  });
});

describe("a read while a snapshot is being loaded", () => {
  it("waits for the machine, and then sees what the snapshot holds and what follows it", async () => {
    await seated(3, { limits: { snapshotLogBytes: 1_000, snapshotLogBytesMax: 1_000 } });
    const leader = await table.led();
    const lagging = table.others(leader.name)[0]!;
    await table.crash(lagging.name);
    for (let i = 0; i < 60; i += 1) await table.run(leader.group.propose(bytes(`w${i}`)));
    const machine = new Journal();
    let open = (): void => {};
    machine.gate = new Promise((resolve) => {
      open = resolve;
    });
    const back = await table.restart(lagging.name, lagging.storage, {}, machine);
    await table.clock.advance(2_000);
    await table.run(leader.group.propose(bytes("behind")));
    let isAnswered = false;
    const read = back.group.read().then(() => {
      isAnswered = true;
    });
    const slow = back.group.read({ timeout: "1s" });
    await expect(table.run(slow)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    expect(isAnswered).toBe(false);
    open();
    await table.run(read);
    expect(machine.texts).toHaveLength(61);
    expect(machine.texts.at(-1)).toBe("behind");
  });
});

describe("when the leader is killed", () => {
  it("the others elect one, and what was acknowledged is there", async () => {
    await seated(3);
    const leader = await table.led();
    await table.run(leader.group.propose(bytes("before")));
    const { storage } = leader;
    await table.crash(leader.name);
    await table.led();
    const [one, other] = [...table.seats.values()];
    expect((await table.run(one!.group.propose(bytes("after")))).response).toBe("2:after");
    expect((await table.run(other!.group.propose(bytes("later")))).response).toBe("3:later");
    const back = await table.restart(leader.name, storage);
    await table.run(back.group.read());
    expect(await table.agreed()).toEqual(["before", "after", "later"]);
  });

  it("a proposal that had been sent to it is answered, once, by the next one", async () => {
    await seated(3);
    const leader = await table.led();
    const [follower] = table.others(leader.name);
    const asked = Array.from({ length: 20 }, (_, i) => follower!.group.propose(bytes(`p${i}`)));
    await table.crash(leader.name);
    const answers = await table.run(Promise.all(asked));
    expect(answers).toHaveLength(20);
    const texts = await table.agreed();
    expect(new Set(texts).size).toBe(texts.length);
    expect([...texts].sort()).toEqual(Array.from({ length: 20 }, (_, i) => `p${i}`).sort());
  });

  it("a proposal whose append had reached nobody else is tried again, and applied once", async () => {
    await seated(3);
    const leader = await table.led();
    const [follower] = table.others(leader.name);
    const asked = follower!.group.propose(bytes("once"));
    // It has arrived at the leader, whose appends have not left it.
    await table.clock.advance(1);
    table.cluster.partition([leader.name]);
    expect((await table.run(asked)).response).toBe("1:once");
    table.cluster.heal();
    await table.clock.advance(3_000);
    expect(await table.agreed()).toEqual(["once"]);
  });
});

describe("a member that was crashed", () => {
  it("starts again from its log and learns what it missed", async () => {
    await seated(3);
    const leader = await table.led();
    const follower = table.others(leader.name)[0]!;
    await table.run(leader.group.propose(bytes("one")));
    await table.crash(follower.name);
    await table.run(leader.group.propose(bytes("two")));
    const back = await table.restart(follower.name, follower.storage);
    await table.run(back.group.read());
    expect(back.machine.texts).toEqual(["one", "two"]);
  });

  it("loses nothing that was acknowledged when all lose their power at once", async () => {
    await seated(3);
    const leader = await table.led();
    const asked = Array.from({ length: 10 }, (_, i) => leader.group.propose(bytes(`w${i}`)));
    await table.run(Promise.all(asked));
    const before = [...table.seats.values()];
    for (const { name } of before) await table.crash(name);
    for (const { name, storage } of before) await table.restart(name, storage);
    const next = await table.led();
    await table.run(next.group.read());
    expect(next.machine.texts).toEqual(Array.from({ length: 10 }, (_, i) => `w${i}`));
  });
});

describe("a command that was sent to a leader", () => {
  it("of a term that is over is not taken, however late it arrives", async () => {
    await seated(3);
    const leader = await table.led();
    const { messenger } = table.cluster.node(table.others(leader.name)[0]!.name);
    const { term } = leader.group.status();
    const tag = new Uint8Array(8);
    const forward = { type: "forward", repeats: 0, floor: 1, tag, data: bytes("late") } as const;
    const route = { to: leader.id, channel: "raft", subject: `consensus.${GROUP}` };
    messenger.trySend(route, encodeShell(PREFIX, { ...forward, term: term - 1, sequence: 1 }));
    await table.clock.advance(100);
    expect(leader.machine.texts).toEqual([]);
    messenger.trySend(route, encodeShell(PREFIX, { ...forward, term, sequence: 2 }));
    await table.clock.advance(100);
    expect(leader.machine.texts).toEqual(["late"]);
    // Once more: it was taken, and is not taken twice.
    messenger.trySend(route, encodeShell(PREFIX, { ...forward, term, sequence: 2, repeats: 1 }));
    await table.clock.advance(100);
    expect(leader.machine.texts).toEqual(["late"]);
  });

  it("and was lost on the way is sent again, so a link that breaks for a moment loses nothing", async () => {
    await seated(3);
    const leader = await table.led();
    const [one] = table.others(leader.name);
    table.cluster.partition([leader.name], [one!.name]);
    const asked = ["a", "b", "c"].map((text) => one!.group.propose(bytes(text)));
    await table.clock.advance(30);
    table.cluster.heal();
    const before = table.clock.now();
    await table.run(Promise.all(asked));
    expect(table.clock.now() - before).toBeLessThan(1_500);
    expect(await table.agreed()).toHaveLength(3);
  });

  it("again is not refused by a member that leads no more, for it may have taken it before", async () => {
    await seated(3);
    const leader = await table.led();
    const { id: to } = table.others(leader.name)[0]!;
    const { id, messenger } = table.cluster.add({ name: "asker" });
    const subject = `consensus.${GROUP}`;
    const heard: unknown[] = [];
    messenger.handle(subject, ({ from, payload }) => {
      const found = decode(PREFIX, { group: GROUP, from, to: id }, payload as Uint8Array);
      heard.push(found?.message);
    });
    await table.clock.advance(10);
    const tag = new Uint8Array(8);
    const forward = { type: "forward", term: 2, floor: 1, tag, data: bytes("x") } as const;
    for (const repeats of [0, 1]) {
      const message = { ...forward, sequence: 5, repeats };
      messenger.trySend({ to, channel: "raft", subject }, encodeShell(PREFIX, message));
      await table.clock.advance(50);
    }
    const refusal = { type: "forward-refused", sequence: 5, repeats: 0, isBusy: false };
    expect(heard).toEqual([refusal]);
  });

  it("again is not tried anew for a refusal of the first time", async () => {
    table = new Table(3);
    table.diskMs = () => 300;
    await table.open();
    const leader = await table.led();
    const [one] = table.others(leader.name);
    table.cluster.partition([leader.name], [one!.name]);
    const asked = one!.group.propose(bytes("once"));
    await table.clock.advance(30);
    table.cluster.heal();
    // It was sent again and taken, and is on no disk yet.
    await table.clock.advance(500);
    const stale = { type: "forward-refused", sequence: 1, repeats: 0, isBusy: false } as const;
    const route = { to: one!.id, channel: "raft", subject: `consensus.${GROUP}` };
    table.cluster.node(leader.name).messenger.trySend(route, encodeShell(PREFIX, stale));
    expect(one!.machine.texts).toEqual([]);
    expect((await table.run(asked)).response).toBe("1:once");
    await table.clock.advance(2_000);
    expect(await table.agreed()).toEqual(["once"]);
  });

  it("and whose place a snapshot of a later term skipped is unknown, and not tried again", async () => {
    await seated(5, { limits: { snapshotLogBytes: 1_000, snapshotLogBytesMax: 1_000 } });
    const leader = await table.led();
    const [cut, next] = table.others(leader.name);
    const asked = cut!.group.propose(bytes("skipped"), { timeout: "30s" });
    await table.clock.advance(1);
    table.cluster.partition([cut!.name]);
    await table.clock.advance(20);
    await table.run(leader.group.transfer(next!.id));
    for (let i = 0; i < 60; i += 1) await table.run(next!.group.propose(bytes(`w${i}`)));
    table.cluster.heal();
    const healedAt = table.clock.now();
    await expect(table.run(asked)).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(table.clock.now() - healedAt).toBeLessThan(5_000);
    await table.clock.advance(2_000);
    expect(cut!.machine.restores).toBe(1);
    const texts = await table.agreed();
    expect(texts.filter((text) => text === "skipped")).toHaveLength(1);
  });
});

describe("outcomes", () => {
  it("of a proposal without any leader are: no quorum, not applied", async () => {
    await seated(3);
    const leader = await table.led();
    const [one, other] = table.others(leader.name);
    await table.crash(leader.name);
    await table.crash(other!.name);
    await table.clock.advance(3_000);
    const asked = one!.group.propose(bytes("lost"), { timeout: 2_000 });
    await expect(table.run(asked)).rejects.toMatchObject({ code: "ERR_NO_QUORUM" });
  });

  it("of a leader that is cut off are unknown, and the command is applied once at most", async () => {
    await seated(3);
    const leader = await table.led();
    table.cluster.partition([leader.name]);
    const asked = leader.group.propose(bytes("maybe"), { timeout: 2_000 });
    await expect(table.run(asked)).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      details: { reason: "deadline-exceeded" },
    });
    table.cluster.heal();
    await table.clock.advance(3_000);
    expect(["", "maybe"]).toContain((await table.agreed()).join());
  });

  it("of a leader that is cut off for a moment are found out after the heal", async () => {
    await seated(3);
    const leader = await table.led();
    table.cluster.partition([leader.name]);
    const asked = leader.group.propose(bytes("late"), { timeout: 20_000 });
    await table.clock.advance(3_000);
    table.cluster.heal();
    expect((await table.run(asked)).response).toBe("1:late");
    expect(await table.agreed()).toEqual(["late"]);
  });

  it("of what is given up before it left is: aborted; afterwards: unknown", async () => {
    await seated(3);
    const { group } = await table.led();
    const early = group.propose(bytes("early"), { signal: AbortSignal.abort() });
    await expect(table.run(early)).rejects.toMatchObject({ code: "ERR_ABORTED" });
    const controller = new AbortController();
    const late = group.propose(bytes("late"), { signal: controller.signal });
    controller.abort();
    await expect(table.run(late)).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      details: { reason: "aborted" },
    });
  });

  it("of what no group would take say so at once", async () => {
    await seated(1);
    const { group } = await table.led();
    const refusal = { code: "ERR_INVALID_ARGUMENT" };
    await expect(group.propose(new Uint8Array(0))).rejects.toMatchObject(refusal);
    await expect(group.propose(new Uint8Array(1_048_576))).rejects.toMatchObject(refusal);
  });

  it("of more requests than may wait are: the queue is full", async () => {
    await seated(3, { limits: { requestsMax: 5 } });
    const { group } = await table.led();
    const asked = Array.from({ length: 6 }, (_, i) => group.propose(bytes(`q${i}`)));
    await expect(asked[5]).rejects.toMatchObject({ code: "ERR_QUEUE_FULL" });
    await table.run(Promise.all(asked.slice(0, 5)));
  });

  it("of a member that is closed: what had left is unknown, and nothing more is taken", async () => {
    await seated(3);
    const leader = await table.led();
    const follower = table.others(leader.name)[0]!;
    const asked = follower.group.propose(bytes("x"));
    const closed = follower.group.close();
    await expect(table.run(asked)).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    await table.run(closed);
    await expect(follower.group.propose(bytes("y"))).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await expect(follower.group.read()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await follower.group.close();
  });
});
