/** An engine on a node that is no member, while the members it asks die, and when there are none. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createRemoteEngine } from "../../../src/remote/remote-engine.js";
import type { Engine, Operation, WatchBatch } from "../../../src/engine/engine.js";
import { ServedGroup } from "../../contract/outside.js";
import type { StoreGroup } from "../../contract/store-group.js";

const utf8 = new TextEncoder();
const put = (key: string, value: string): Operation => {
  return { type: "put", key, value: utf8.encode(value) };
};

let served: ServedGroup;
let group: StoreGroup;
let engine: Engine;

beforeEach(async () => {
  served = await ServedGroup.open();
  ({ group } = served);
  engine = served.engine();
});

afterEach(async () => {
  await group.clock.run(engine.close());
  await group.close();
});

const settle = <T>(promise: Promise<T>) => group.clock.run(promise);

async function pairs(key: string): Promise<readonly number[]> {
  const { results } = await settle(engine.txn({ then: [{ type: "range", key }] }));
  const [result] = results;
  return result?.type === "range" ? result.pairs.map(({ version }) => version) : [];
}

/** The member that is asked: the first one. */
function asked(): string {
  const [member] = group.members;
  if (!member) throw new Error("nobody is left");
  return member.name;
}

describe("a member dies while it is asked", () => {
  test("a write takes effect once, by another member", async () => {
    await settle(engine.txn({ then: [put("k", "0")] }));
    const writing = engine.txn({ then: [put("k", "1")] }, { timeout: "30s" });
    await group.clock.advance(0);
    await group.crash(asked());
    await settle(writing);
    expect(await pairs("k")).toEqual([2]);
  });

  test("a read is answered by another member", async () => {
    await settle(engine.txn({ then: [put("k", "1")] }));
    const reading = engine.txn({ then: [{ type: "range", key: "k" }] }, { timeout: "30s" });
    await group.crash(asked());
    const { results } = await settle(reading);
    expect(results).toMatchObject([{ type: "range", count: 1 }]);
  });

  test("a watch goes on at another member, and misses and repeats nothing", async () => {
    const watch = engine.watch({ key: "k" });
    const first = await settle(watch.ready());
    const got: number[] = [];
    const reading = (async () => {
      for await (const { revision } of watch) got.push(revision);
    })();
    await settle(engine.txn({ then: [put("k", "1")] }));
    await group.crash(asked());
    for (const value of ["2", "3", "4"]) {
      await settle(engine.txn({ then: [put("k", value)] }, { timeout: "60s" }));
    }
    await group.clock.advance(30_000);
    expect(got).toEqual([first, first + 1, first + 2, first + 3]);
    await watch.close();
    await reading;
  });
});

describe("without a member to ask", () => {
  test("a request says that nothing was changed, once its time is up", async () => {
    const { messenger } = group.cluster.node("outside");
    const { clock } = group;
    const alone = createRemoteEngine({ messenger, name: "store", voters: () => [], clock });
    const asking = alone.txn({ then: [put("k", "1")] }, { timeout: "2s" });
    await expect(settle(asking)).rejects.toMatchObject({ code: "ERR_NO_QUORUM" });
    await settle(alone.close());
  });

  test("a request waits for one that comes back", async () => {
    const names = group.members.map(({ name }) => name);
    for (const name of names) await group.crash(name);
    const writing = engine.txn({ then: [put("k", "1")] }, { timeout: "60s" });
    await group.clock.advance(3_000);
    for (const name of names) served.serve(await group.restart(name));
    await settle(writing);
    expect(await pairs("k")).toEqual([1]);
  });
});

describe("a slow reader", () => {
  test("costs the members nothing: it is told what it missed when it reads", async () => {
    const watch = engine.watch({ key: "k" });
    const first = await settle(watch.ready());
    for (let i = 0; i < 600; i += 1) await settle(engine.txn({ then: [put("k", `${i}`)] }));
    const batches: WatchBatch[] = [];
    while (batches.length < 600) {
      const { value } = await settle(watch[Symbol.asyncIterator]().next());
      batches.push(value as WatchBatch);
    }
    expect(batches.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 600 }, (_, i) => first + i),
    );
    await watch.close();
  });
});
