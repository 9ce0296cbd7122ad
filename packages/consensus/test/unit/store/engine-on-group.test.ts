/** Engines over real members of a group, which crash, restart and are cut off. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { FoundationError } from "@foundation/core";
import { type Engine, type Operation, rangeOf } from "../../../src/engine/engine.js";
import { StoreGroup } from "../../contract/store-group.js";

let group: StoreGroup;

const run = <T>(promise: Promise<T>) => group.clock.run(promise);
const put = (key: string, text: string, lease?: string): Operation => ({
  type: "put",
  key,
  value: Buffer.from(text),
  ...(lease !== undefined && { lease }),
});
const keys = async (engine: Engine): Promise<string[]> => {
  const { results } = await run(engine.txn({ then: [{ type: "range", ...rangeOf("") }] }));
  return results[0]?.type === "range" ? results[0].pairs.map(({ key }) => key) : [];
};
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await run(promise);
  } catch (error) {
    return (error as FoundationError).code;
  }
  return "resolved";
};

beforeEach(async () => {
  group = await StoreGroup.open(3, { limits: { snapshotLogBytes: 4_096 } });
});

afterEach(async () => {
  await group.close();
});

describe("an engine over a group", () => {
  test("a transaction under way when the leader dies is applied once", async () => {
    const leader = await group.leader();
    const engine = (await group.follower()).engine();
    await run(engine.txn({ then: [put("a", "1")] }));
    const answers = Array.from({ length: 20 }, (_, i) => engine.txn({ then: [put("a", `${i}`)] }));
    await group.clock.advance(1);
    await group.crash(leader.name);
    await run(Promise.all(answers));
    const { results } = await run(engine.txn({ then: [{ type: "range", key: "a" }] }));
    expect(results).toMatchObject([{ pairs: [{ version: 21 }] }]);
    await run(engine.close());
  });

  test("a lease outlives its leader, is not shortened by that, and ends", async () => {
    const leader = await group.leader();
    const engine = (await group.follower()).engine();
    const grantedMs = group.clock.now();
    const { id } = await run(engine.grantLease(5_000));
    await run(engine.txn({ then: [put("leased", "1", id)] }));
    await group.clock.advance(2_000);
    await group.crash(leader.name);
    const { revision } = await run(engine.txn({ then: [put("other", "1")] }));
    const watch = engine.watch(rangeOf(""), { from: revision + 1 });
    const { value } = await run(watch[Symbol.asyncIterator]().next());
    expect(value).toMatchObject({ changes: [{ type: "delete", key: "leased" }] });
    expect(group.clock.now() - grantedMs).toBeGreaterThanOrEqual(5_000);
    expect(group.clock.now() - grantedMs).toBeLessThan(10_000);
    await run(engine.close());
  });

  test("a member that was away long begins with a snapshot and holds the same, to the byte", async () => {
    const away = await group.follower();
    await group.crash(away.name);
    const engine = (await group.leader()).engine();
    for (let i = 0; i < 200; i += 1) {
      await run(engine.txn({ then: [put(`k${i % 20}`, `${i} `.repeat(100))] }));
    }
    await run(engine.txn({ then: [{ type: "delete", ...rangeOf("k1") }] }));
    const back = await group.restart(away.name);
    const reader = back.engine();
    expect(await keys(reader)).toEqual(await keys(engine));
    expect(back.restores).toBeGreaterThan(0);
    await group.clock.advance(1_000);
    const [first, ...others] = group.members.map(({ machine }) => {
      return Buffer.concat([...machine.snapshot()]);
    });
    expect(others.map((other) => other.equals(first as Buffer))).toEqual([true, true]);
    await run(Promise.all([engine.close(), reader.close()]));
  });

  test("a member without a quorum neither reads nor writes, and says that nothing was changed", async () => {
    const member = await group.follower();
    const engine = member.engine();
    await run(engine.txn({ then: [put("a", "1")] }));
    for (const { name } of group.members.slice()) if (name !== member.name) await group.crash(name);
    await group.clock.advance(5_000);
    const read = engine.txn({ then: [{ type: "range", key: "a" }] }, { timeout: "3s" });
    expect(await codeOf(read)).toBe("ERR_NO_QUORUM");
    const write = engine.txn({ then: [put("b", "1")] }, { timeout: "3s" });
    expect(await codeOf(write)).toBe("ERR_NO_QUORUM");
    await run(engine.close());
  });

  test("a write that a lost leader took is unknown, and never two", async () => {
    const leader = await group.leader();
    const engine = leader.engine();
    await run(engine.txn({ then: [put("a", "1")] }));
    const others = group.members.filter((member) => member !== leader).map(({ name }) => name);
    for (const name of others) await group.crash(name);
    const lost = codeOf(engine.txn({ then: [put("a", "2")] }, { timeout: "2s" }));
    expect(await lost).toBe("ERR_OUTCOME_UNKNOWN");
    for (const name of others) await group.restart(name);
    await group.leader();
    await run(engine.txn({ then: [put("b", "1")] }));
    const { results } = await run(engine.txn({ then: [{ type: "range", key: "a" }] }));
    const [range] = results;
    const version = range?.type === "range" ? range.pairs[0]?.version : undefined;
    expect([1, 2]).toContain(version);
    await run(engine.close());
  });

  test("several engines over one member have a session each", async () => {
    const member = await group.follower();
    const engines = [member.engine(), member.engine()];
    await run(Promise.all(engines.map((engine) => engine.txn({ then: [put("a", "1")] }))));
    expect(member.machine.sessions).toBe(2);
    await run(Promise.all(engines.map((engine) => engine.close())));
    expect(member.machine.sessions).toBe(0);
  });

  test("watches end with a group that is closed", async () => {
    const member = await group.follower();
    const watch = member.engine().watch({ key: "a" });
    await run(watch.ready());
    const next = watch[Symbol.asyncIterator]().next();
    await run(member.group.close());
    expect(await codeOf(next)).toBe("ERR_CLOSED");
  });
});
