import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, type Pid } from "@foundation/core";
import type { ClusterRef, GroupEvent, GroupReply, Registry } from "../../../src/index.js";
import { codeOf, world, type World } from "../runtime/world.js";

const heard: string[] = [];

const worker = defineProcess({
  name: "groups.worker",
  init: (args: { id: string; hangs?: boolean }) => args,
  call: {
    work: ({ state }, by: number) =>
      state.hangs === true ? new Promise<string>(() => undefined) : `${state.id}${by}`,
    refuse: () => {
      throw new Error("no");
    },
  },
  cast: {
    note: ({ state }, text: string) => {
      heard.push(`${state.id} ${text}`);
    },
  },
  info: ({ state }, payload) => {
    heard.push(`${state.id} ${String(payload)}`);
  },
});

let open: World | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function start(...given: Parameters<typeof world>): Promise<World> {
  heard.length = 0;
  open = await world(...given);
  return open;
}

function at(w: World, place: number): Registry {
  return w.at(place).registry;
}

async function workerAt(
  w: World,
  place: number,
  id: string,
  hangs = false,
): Promise<ClusterRef<typeof worker>> {
  return w.run(at(w, place).startProcess(worker, { id, hangs }));
}

function pidOf(ref: ClusterRef): Pid {
  return ref.whereis() as Pid;
}

function outcomes(replies: readonly GroupReply[]): unknown[] {
  return replies.map((reply) => (reply.ok ? reply.value : (reply.error as { code?: string }).code));
}

describe("members", () => {
  test("join and leave at once on their own node, and everywhere after the turn", async () => {
    const w = await start(2);
    const ref = await workerAt(w, 0, "a");
    const { groups } = at(w, 0);
    const joined = groups.join("workers", ref, { meta: { shard: 3 } });
    expect(groups.members("workers")).toMatchObject([{ pid: pidOf(ref), meta: { shard: 3 } }]);
    await joined;
    expect(at(w, 1).groups.members("workers")).toEqual([]);
    await w.advance(10);
    expect(at(w, 1).groups.members("workers")).toMatchObject([{ node: w.at(0).port.id }]);
    expect(at(w, 1).groups.localMembers("workers")).toEqual([]);
    expect([at(w, 1).groups.groups(), at(w, 0).groups.which(ref)]).toEqual([
      ["workers"],
      ["workers"],
    ]);
    expect(await groups.leave("workers", ref)).toBe(true);
    expect([groups.members("workers"), await groups.leave("workers", ref)]).toEqual([[], false]);
    await w.advance(10);
    expect(at(w, 1).groups.groups()).toEqual([]);
  });

  test("of another node are shown when join has resolved, and gone when leave has", async () => {
    const w = await start(3);
    const ref = await workerAt(w, 2, "a");
    const { groups } = at(w, 0);
    await w.run(groups.join("workers", pidOf(ref), { meta: 1 }));
    expect(groups.members("workers")).toMatchObject([{ pid: pidOf(ref), meta: 1 }]);
    await w.run(groups.join("workers", pidOf(ref), { meta: 2 }));
    await w.advance(10);
    expect(groups.members("workers")).toMatchObject([{ meta: 2 }]);
    expect(await w.run(groups.leave("workers", pidOf(ref)))).toBe(true);
    expect(groups.members("workers")).toEqual([]);
    expect(await w.run(groups.leave("workers", pidOf(ref)))).toBe(false);
  });

  test("leave every group when their process ends, and when their node dies", async () => {
    const w = await start(3);
    const [a, b] = [await workerAt(w, 0, "a"), await workerAt(w, 1, "b")];
    for (const group of ["x", "y"]) {
      await w.run(at(w, 0).groups.join(group, a));
      await w.run(at(w, 1).groups.join(group, b));
    }
    await w.advance(10);
    await w.run(a.stop());
    await w.advance(10);
    for (const group of ["x", "y"]) {
      expect(at(w, 2).groups.members(group)).toMatchObject([{ pid: pidOf(b) }]);
    }
    w.cluster.down(1);
    await w.advance(10);
    expect(at(w, 2).groups.groups()).toEqual([]);
  });

  test("that have ended, or are of an earlier start of their node, cannot join", async () => {
    const w = await start(2);
    const ref = await workerAt(w, 1, "a");
    const pid = pidOf(ref);
    const { groups } = at(w, 0);
    await w.run(ref.stop());
    expect(await codeOf(w.run(groups.join("workers", pid)))).toBe("ERR_NO_PROCESS");
    expect(await codeOf(groups.join("", pid))).toBe("ERR_NAME_INVALID");
    const meta = () => undefined;
    const here = await workerAt(w, 0, "b");
    expect(await codeOf(groups.join("workers", here, { meta }))).toBe("ERR_NOT_ENCODABLE");
    expect(groups.members("workers")).toEqual([]);
  });

  test("are as many as the limits allow, and one of them may join again", async () => {
    const w = await start(1, {}, { limits: { groupMembersMax: 2, groupsMax: 1 } });
    const { groups } = at(w, 0);
    const refs = [await workerAt(w, 0, "a"), await workerAt(w, 0, "b"), await workerAt(w, 0, "c")];
    const codes = [];
    for (const ref of refs) codes.push(await codeOf(groups.join("workers", ref)));
    codes.push(await codeOf(groups.join("others", refs[0] as ClusterRef)));
    codes.push(await codeOf(groups.join("workers", refs[0] as ClusterRef, { meta: 1 })));
    expect(codes).toEqual(["none", "none", "ERR_GROUP_FULL", "ERR_GROUP_FULL", "none"]);
  });
});

describe("a distributed child", () => {
  const options = { name: "orders", distribute: true } as const;

  test("stays a member when its node dies and another one takes it over", async () => {
    const w = await start(3);
    const on = w.at(2).port.id;
    const ref = await w.run(
      at(w, 0).startProcess(worker, { id: "a" }, { ...options, placement: pinnedTo(on) }),
    );
    await w.run(at(w, 0).groups.join("workers", ref, { meta: "kept" }));
    await w.advance(10);
    const before = at(w, 1).groups.members("workers");
    expect(before).toMatchObject([{ name: "orders", node: on, meta: "kept" }]);
    w.cluster.down(2);
    await w.advance(2);
    expect(
      at(w, 1)
        .groups.members("workers")
        .map(({ node }) => node),
    ).not.toContain(on);
    await w.advance(1_000);
    const [after] = at(w, 1).groups.members("workers");
    expect(after).toMatchObject({ name: "orders", meta: "kept" });
    expect(after?.node).not.toBe(on);
    expect(outcomes(await w.run(at(w, 1).groups.multiCall("workers", "work", 7)))).toEqual(["a7"]);
  });

  test("stays a member when it is moved to another node, and its state with it", async () => {
    const w = await start(2);
    const ref = await w.run(at(w, 0).startProcess(worker, { id: "a" }, options));
    await w.run(at(w, 0).groups.join("workers", ref, { meta: "kept" }));
    await w.advance(10);
    const from = w.nodes.findIndex(({ port }) => port.id === pidOf(ref).node);
    const to = w.at(1 - from).port.id;
    await w.run(Promise.resolve(at(w, 0).migrate(ref, { to })));
    await w.advance(10);
    for (const place of [0, 1]) {
      const { groups } = at(w, place);
      expect(groups.members("workers")).toMatchObject([{ node: to, meta: "kept" }]);
      expect(groups.localMembers("workers")).toHaveLength(place === from ? 0 : 1);
      expect(outcomes(await w.run(groups.multiCall("workers", "work", 1)))).toEqual(["a1"]);
    }
  });

  test("is the same member by its pid as by its name", async () => {
    const w = await start(2);
    const ref = await w.run(at(w, 0).startProcess(worker, { id: "a" }, options));
    await w.advance(10);
    for (const place of [0, 1]) await w.run(at(w, place).groups.join("workers", pidOf(ref)));
    await w.run(at(w, 0).groups.join("workers", ref));
    await w.advance(10);
    expect(at(w, 1).groups.members("workers")).toMatchObject([{ name: "orders" }]);
    expect(at(w, 1).groups.which(ref)).toEqual(["workers"]);
    expect(await w.run(at(w, 1).groups.leave("workers", pidOf(ref)))).toBe(true);
    await w.advance(10);
    expect(at(w, 0).groups.members("workers")).toEqual([]);
  });

  test("leaves for good when it is stopped: a later start of the name is no member", async () => {
    const w = await start(2);
    const ref = await w.run(at(w, 0).startProcess(worker, { id: "a" }, options));
    await w.run(at(w, 0).groups.join("workers", ref));
    await w.advance(10);
    await w.run(ref.stop());
    await w.advance(10);
    expect(at(w, 1).groups.members("workers")).toEqual([]);
    await w.run(at(w, 0).startProcess(worker, { id: "b" }, options));
    await w.advance(10);
    expect([at(w, 0), at(w, 1)].map(({ groups }) => groups.groups())).toEqual([[], []]);
  });
});

test("a cut hides the members of the other side, and its end brings back who is still one", async () => {
  const w = await start(3);
  const [a, b, c] = [
    await workerAt(w, 0, "a"),
    await workerAt(w, 2, "b"),
    await workerAt(w, 2, "c"),
  ];
  await at(w, 0).groups.join("workers", a);
  for (const ref of [b, c]) await at(w, 2).groups.join("workers", ref);
  await w.advance(10);
  w.cluster.partition([2]);
  await w.advance(10);
  const count = (place: number) => at(w, place).groups.members("workers").length;
  expect([count(0), count(1), count(2)]).toEqual([1, 1, 2]);
  await at(w, 2).groups.leave("workers", c);
  w.cluster.heal();
  await w.advance(30_000);
  expect([count(0), count(1), count(2)]).toEqual([2, 2, 2]);
  const answers = outcomes(await w.run(at(w, 1).groups.multiCall("workers", "work", 1)));
  expect([...answers].sort()).toEqual(["a1", "b1"]);
});

describe("what is sent to a group", () => {
  test("reaches each member once, in one message to each node", async () => {
    const w = await start(3);
    for (const [place, id] of [
      [0, "a"],
      [1, "b"],
      [1, "c"],
      [2, "d"],
    ] as const) {
      await w.run(at(w, 0).groups.join("workers", await workerAt(w, place, id)));
    }
    await w.advance(10);
    expect(at(w, 0).groups.publish("workers", "hello")).toBe(4);
    expect(at(w, 0).groups.cast("workers", "note", "noted")).toBe(4);
    await w.advance(10);
    const all = ["a", "b", "c", "d"];
    const expected = all.flatMap((id) => [`${id} hello`, `${id} noted`]);
    expect([...heard].sort()).toEqual(expected.sort());
    expect(w.cluster.sent.get("groups.send")).toBe(4);
    expect(at(w, 0).groups.publish("nobody", "hello")).toBe(0);
    expect(() => at(w, 0).groups.publish("workers", () => undefined)).toThrow(
      /plain data|function/i,
    );
  });

  test("does not reach a process of a later start of its node", async () => {
    const w = await start(2);
    await w.run(at(w, 0).groups.join("workers", await workerAt(w, 1, "a")));
    await w.advance(10);
    w.cluster.restart(1);
    w.boot(1);
    await workerAt(w, 1, "late");
    at(w, 0).groups.publish("workers", "hello");
    await w.advance(100);
    expect(heard).toEqual([]);
  });
});

describe("a call of all members", () => {
  test("gives the value or the error of each", async () => {
    const w = await start(2);
    for (const [place, id] of [
      [0, "a"],
      [1, "b"],
    ] as const) {
      await w.run(at(w, 0).groups.join("workers", await workerAt(w, place, id)));
    }
    const { groups } = at(w, 0);
    expect(outcomes(await w.run(groups.multiCall("workers", "work", 5)))).toEqual(["a5", "b5"]);
    const unknown = outcomes(await w.run(groups.multiCall("workers", "nothing")));
    expect(unknown).toEqual(["ERR_UNKNOWN_HANDLER", "ERR_UNKNOWN_HANDLER"]);
    const refused = outcomes(await w.run(groups.multiCall("workers", "refuse")));
    expect(refused).toEqual(["ERR_HANDLER_FAILED", "ERR_HANDLER_FAILED"]);
    expect(await groups.multiCall("nobody", "work")).toEqual([]);
  });

  test("does not wait for the timeout of a member whose node dies", async () => {
    const w = await start(3);
    await w.run(at(w, 0).groups.join("workers", await workerAt(w, 1, "a")));
    await w.run(at(w, 0).groups.join("workers", await workerAt(w, 2, "b", true)));
    await w.advance(10);
    const began = w.clock.now();
    const call = at(w, 0).groups.multiCall("workers", "work", 1, { timeout: "1h" });
    await w.advance(50);
    w.cluster.down(2);
    expect(outcomes(await w.run(call))).toEqual(["a1", "ERR_OUTCOME_UNKNOWN"]);
    expect(w.clock.now() - began).toBeLessThan(100);
  });

  test("ends at its timeout with the silent ones unknown", async () => {
    const w = await start(2);
    await w.run(at(w, 0).groups.join("workers", await workerAt(w, 1, "a", true)));
    await w.run(at(w, 0).groups.join("workers", await workerAt(w, 1, "b")));
    const call = at(w, 0).groups.multiCall("workers", "work", 1, { timeout: 200 });
    expect(outcomes(await w.run(call))).toEqual(["ERR_OUTCOME_UNKNOWN", "b1"]);
  });
});

test("a watcher is told of the present members and of every change, on any node", async () => {
  const w = await start(2);
  const [a, b] = [await workerAt(w, 0, "a"), await workerAt(w, 0, "b")];
  await at(w, 0).groups.join("workers", a);
  await w.advance(10);
  const controller = new AbortController();
  const events: string[] = [];
  const names = new Map([a, b].map((ref, index) => [pidOf(ref).serial, index === 0 ? "a" : "b"]));
  const follow = async () => {
    const stream = at(w, 1).groups.watch("workers", { signal: controller.signal });
    for await (const { type, member } of stream as AsyncIterable<GroupEvent>) {
      events.push(`${type} ${names.get(member.pid.serial)} ${String(member.meta)}`);
    }
  };
  const following = follow();
  await at(w, 0).groups.join("workers", b, { meta: 1 });
  await w.advance(10);
  await at(w, 0).groups.join("workers", b, { meta: 2 });
  await at(w, 0).groups.leave("workers", a);
  await w.advance(10);
  w.cluster.down(0);
  await w.advance(10);
  controller.abort();
  await w.run(following);
  expect(events).toEqual([
    "joined a undefined",
    "joined b 1",
    "changed b 2",
    "left a undefined",
    "left b 2",
  ]);
});

test("a closed registry takes nobody into a group and ends its watchers", async () => {
  const w = await start(1);
  const ref = await workerAt(w, 0, "a");
  const { groups } = at(w, 0);
  const stream = groups.watch("workers");
  await w.run(at(w, 0).close());
  expect(await codeOf(groups.join("workers", ref))).toBe("ERR_CLOSED");
  expect(await stream.next()).toMatchObject({ done: true });
});

function pinnedTo(id: string) {
  const only = { id: id as Pid["node"] };
  return {
    name: "pinned",
    agrees: false,
    place: () => only.id,
    placeMany: () => [only.id],
  };
}
