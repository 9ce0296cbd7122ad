import { describe, expect, test } from "@jest/globals";
import { defineProcess, hashRing } from "@foundation/core";
import { codeOf, runningAt } from "../runtime/world.js";
import {
  broken,
  child,
  children,
  diary,
  kill,
  on,
  ownerPlace,
  placesOf,
  quit,
  shown,
  slow,
  worker,
  worldsOfTrees,
} from "./tree-world.js";

/** Ends only when it is killed. */
const clinger = defineProcess({
  name: "trees.clinger",
  init: () => ({}),
  terminate: () => new Promise<void>(() => undefined),
});

const { start } = worldsOfTrees();

describe("the start of a tree", () => {
  test("starts its children in order, on several nodes, and every node knows them", async () => {
    const w = await start(3);
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: children("abcdef") }));
    expect(diary).toEqual(["+a", "+b", "+c", "+d", "+e", "+f"]);
    expect(shown(tree)).toBe("a:running b:running c:running d:running e:running f:running");
    const places = Object.values(placesOf(w, tree)).flat();
    expect(places).toHaveLength(6);
    expect(new Set(places).size).toBeGreaterThan(1);
    await w.advance(100);
    for (const { registry } of w.nodes) {
      expect(shown(registry.supervisor("pool"))).toBe(shown(tree));
      expect(
        await w.run(registry.supervisor("pool").process(worker, "c").call("add", 1)),
      ).toBeGreaterThan(0);
    }
  });

  test("is all or nothing: when a child does not start, those before it end in reverse and nothing is left", async () => {
    const w = await start(3);
    broken.add("c");
    const failed = w.at(1).registry.supervise("pool", { children: children("abcd") });
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
    expect(diary).toEqual(["+a", "+b", "-b", "-a"]);
    await w.advance(1_000);
    for (const { registry, kernel } of w.nodes) {
      expect(registry.children()).toEqual([]);
      expect(kernel.list()).toEqual([]);
    }
    broken.clear();
    await w.run(w.at(2).registry.supervise("pool", { children: children("ab") }));
  });

  test("says why it failed, however long the others take to end: a look at them is no failure", async () => {
    const w = await start(1);
    broken.add("c");
    const clinging = { id: "b", process: clinger, shutdown: "30s" } as const;
    const failed = w.at(0).registry.supervise("pool", {
      children: [child("a"), clinging, child("c")],
      timeout: "5m",
    });
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
  });

  test("that the caller gives up leaves nothing", async () => {
    const w = await start(2);
    slow.add("b");
    const abort = new AbortController();
    const asked = w.at(0).registry.supervise("pool", {
      children: children("ab"),
      signal: abort.signal,
      timeout: "1m",
    });
    await w.advance(500);
    abort.abort();
    expect(await codeOf(w.run(asked))).toBe("ERR_ABORTED");
    await w.advance(1_000);
    for (const { registry, kernel } of w.nodes) {
      expect(registry.children()).toEqual([]);
      expect(kernel.list()).toEqual([]);
    }
  });

  test("that takes too long is a timeout and leaves nothing", async () => {
    const w = await start(2);
    slow.add("b");
    const asked = w.at(0).registry.supervise("pool", { children: children("ab"), timeout: "2s" });
    expect(await codeOf(w.run(asked))).toBe("ERR_TIMEOUT");
    await w.advance(1_000);
    for (const { registry } of w.nodes) expect(registry.children()).toEqual([]);
  });

  test("that the caller gives up when all has started stands: others may have been told so", async () => {
    const w = await start(2, { latencyMs: 50 });
    const abort = new AbortController();
    const { id } = w.at(1).port;
    const asked = w.at(0).registry.supervise("pool", {
      ...{ children: children("ab"), on: id, signal: abort.signal },
    });
    while (w.at(1).registry.supervisor("pool").whereis() === undefined) await w.advance(1);
    const other = { children: children("ab"), ifRunning: "return" } as const;
    const theirs = await w.run(w.at(1).registry.supervise("pool", other));
    // The news that all has started is on its way to who asked first.
    abort.abort();
    const ours = await w.run(asked);
    await w.advance(1_000);
    for (const tree of [ours, theirs]) expect(shown(tree)).toBe("a:running b:running");
  });

  test("tells its progress", async () => {
    const w = await start(3);
    const told: string[] = [];
    await w.run(
      w.at(0).registry.supervise("pool", {
        children: children("abc"),
        onProgress: ({ id, started, total }) => told.push(`${id} ${started}/${total}`),
      }),
    );
    expect(told).toEqual(["a 1/3", "b 2/3", "c 3/3"]);
  });

  test("under a taken name is refused, or gives the tree that runs when asked to", async () => {
    const w = await start(2);
    await w.run(w.at(0).registry.supervise("pool", { children: children("a") }));
    const again = w.at(1).registry.supervise("pool", { children: children("z") });
    expect(await codeOf(w.run(again))).toBe("ERR_NAME_TAKEN");
    const same = await w.run(
      w.at(1).registry.supervise("pool", { children: children("z"), ifRunning: "return" }),
    );
    expect(shown(same)).toBe("a:running");
  });

  test("on two nodes at once makes exactly one tree", async () => {
    const w = await start(3);
    const asked = [0, 1, 2].map((place) => {
      const { registry } = w.at(place);
      const options = { children: children("abc"), ifRunning: "return" } as const;
      return registry.supervise("pool", options);
    });
    const trees = await w.run(Promise.all(asked));
    await w.advance(2_000);
    for (const tree of trees) {
      expect(shown(tree)).toBe("a:running b:running c:running");
      for (const places of Object.values(placesOf(w, tree))) expect(places).toHaveLength(1);
    }
    expect(runningAt(w, "pool")).toHaveLength(1);
  });

  test("refuses what is not well formed, and says what", async () => {
    const w = await start(1);
    const { registry } = w.at(0);
    const refused = async (options: unknown) =>
      codeOf(w.run(registry.supervise("pool", options as never)));
    expect(await refused({ strategy: "all" })).toBe("ERR_INVALID_ARGUMENT");
    expect(await refused({ children: [child("a/b")] })).toBe("ERR_INVALID_ARGUMENT");
    expect(await refused({ children: [child("a"), child("a")] })).toBe("ERR_INVALID_ARGUMENT");
    expect(await refused({ maxRestarts: -1 })).toBe("ERR_INVALID_ARGUMENT");
    expect(await refused({ unknown: 1 })).toBe("ERR_INVALID_ARGUMENT");
    expect(await refused({ children: [{ id: "a" }] })).toBe("ERR_INVALID_ARGUMENT");
    expect(await codeOf(w.run(registry.supervise("$pool", {})))).toBe("ERR_NAME_INVALID");
  });
});

describe("a child that ends", () => {
  test("is started again alone in one-for-one, and keeps its identity", async () => {
    const w = await start(3);
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: children("abc") }));
    const before = tree.process(worker, "b").whereis();
    diary.length = 0;
    expect(await codeOf(w.run(tree.process(worker, "b").call("crash")))).toBe("ERR_HANDLER_FAILED");
    await w.advance(500);
    expect(diary).toEqual(["+b"]);
    expect(shown(tree)).toBe("a:running b:running c:running");
    expect(tree.process(worker, "b").whereis()?.node).toBe(before?.node);
    expect(tree.children().map(({ restarts }) => restarts)).toEqual([0, 1, 0]);
  });

  test("restarts all in one-for-all: the others end in reverse, then all start in order", async () => {
    const w = await start(3);
    const options = { strategy: "one-for-all", children: children("abc") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    diary.length = 0;
    kill(w, "pool/b");
    await w.advance(500);
    expect(diary).toEqual(["-c", "-a", "+a", "+b", "+c"]);
    expect(shown(tree)).toBe("a:running b:running c:running");
  });

  test("restarts those after it in rest-for-one", async () => {
    const w = await start(3);
    const options = { strategy: "rest-for-one", children: children("abcd") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    diary.length = 0;
    kill(w, "pool/b");
    await w.advance(500);
    expect(diary).toEqual(["-d", "-c", "+b", "+c", "+d"]);
    expect(shown(tree)).toBe("a:running b:running c:running d:running");
  });

  test("too often makes the tree give up: the children end in reverse, and the record says why", async () => {
    const w = await start(3);
    const options = { maxRestarts: 2, within: "5s", children: children("abc") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    diary.length = 0;
    for (const id of ["a", "b", "c"]) {
      kill(w, `pool/${id}`);
      await w.advance(200);
    }
    expect(diary).toEqual(["+a", "+b", "-b", "-a"]);
    await w.advance(1_000);
    for (const { registry, kernel } of w.nodes) {
      expect(kernel.list()).toEqual([]);
      const [record, ...rest] = registry.children();
      expect(record).toMatchObject({ identity: "pool", state: "failed" });
      expect(record?.reason).toContain("gave up");
      for (const { state } of rest) expect(state).toBe("failed");
    }
    expect(await codeOf(w.run(tree.restartChild("a")))).toBe("ERR_SUPERVISOR_GAVE_UP");
    const again = await w.run(w.at(1).registry.supervise("pool", { children: children("a") }));
    await w.advance(1_000);
    expect(shown(again)).toBe("a:running");
    expect(
      w
        .at(0)
        .registry.children()
        .map(({ identity }) => identity),
    ).toEqual(["pool", "pool/a"]);
  });

  test("restarts that are far enough apart are no reason to give up", async () => {
    const w = await start(2);
    const options = { maxRestarts: 1, within: "2s", children: children("a") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    for (let times = 0; times < 5; times++) {
      kill(w, "pool/a");
      await w.advance(2_500);
    }
    expect(tree.children()).toMatchObject([{ status: "running", restarts: 5 }]);
  });

  test("transient: comes back after a crash, not after an orderly end; temporary: never", async () => {
    const w = await start(2);
    const tree = await w.run(
      w.at(0).registry.supervise("pool", {
        children: [
          child("t", { restart: "transient" }),
          child("x", { restart: "temporary" }),
          child("p"),
        ],
      }),
    );
    kill(w, "pool/t");
    kill(w, "pool/x");
    quit(w, "pool/p");
    await w.advance(500);
    expect(shown(tree)).toBe("t:running p:running");
    quit(w, "pool/t");
    await w.advance(500);
    expect(shown(tree)).toBe("t:ended p:running");
    await w.advance(20_000);
    expect(shown(tree)).toBe("t:ended p:running");
    await w.run(tree.restartChild("t"));
    expect(shown(tree)).toBe("t:running p:running");
  });

  test("waits before it starts again where a backoff says so, longer each time", async () => {
    const w = await start(1);
    const backoff = { initial: "100ms", max: "1s" } as const;
    const options = { children: children("a"), backoff, maxRestarts: 5 } as const;
    await w.run(w.at(0).registry.supervise("pool", options));
    kill(w, "pool/a");
    await w.advance(90);
    expect(runningAt(w, "pool/a")).toEqual([]);
    await w.advance(60);
    expect(runningAt(w, "pool/a")).toEqual([0]);
    kill(w, "pool/a");
    await w.advance(150);
    expect(runningAt(w, "pool/a")).toEqual([]);
    await w.advance(100);
    expect(runningAt(w, "pool/a")).toEqual([0]);
  });
});

describe("a node that dies", () => {
  test("one-for-one: its children start elsewhere, nothing else does, and nothing is counted", async () => {
    const w = await start(4);
    const options = { maxRestarts: 0, children: children("abcdefgh") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    const owner = ownerPlace(w, tree);
    const victim = [0, 1, 2, 3].find(
      (place) =>
        place !== owner && place !== 0 && Object.values(placesOf(w, tree)).flat().includes(place),
    ) as number;
    const gone = Object.entries(placesOf(w, tree)).filter(([, [place]]) => place === victim);
    diary.length = 0;
    w.cluster.down(victim);
    await w.advance(2_000);
    expect([...diary].sort()).toEqual(gone.map(([id]) => `+${id}`).sort());
    for (const places of Object.values(placesOf(w, tree))) expect(places).toHaveLength(1);
  });

  test("one-for-all: all are restarted by the tree's node, in order, and nothing is counted", async () => {
    const w = await start(3);
    const ids = w.nodes.map(({ port }) => ({ id: port.id }));
    const elsewhere = Array.from({ length: 20 }, (_, index) => `b${index}`).find(
      (id) => hashRing().place(`pool/${id}`, ids) !== w.at(0).port.id,
    ) as string;
    const options = {
      strategy: "one-for-all",
      maxRestarts: 0,
      on: w.at(0).port.id,
      children: [child("a", on(w, 0)), child(elsewhere), child("c", on(w, 0))],
    } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    const [place] = placesOf(w, tree)[elsewhere] as [number];
    expect(place).not.toBe(0);
    diary.length = 0;
    w.cluster.down(place);
    await w.advance(2_000);
    expect(diary).toEqual(["-c", "-a", "+a", `+${elsewhere}`, "+c"]);
    expect(shown(tree)).toBe(`a:running ${elsewhere}:running c:running`);
  });

  test("that ran the tree: another goes on with it, and the children that live are not touched", async () => {
    const w = await start(4);
    const tree = await w.run(
      w.at(0).registry.supervise("pool", { children: children("abcdefgh") }),
    );
    const owner = ownerPlace(w, tree);
    const lost = Object.entries(placesOf(w, tree)).filter(([, [place]]) => place === owner);
    diary.length = 0;
    w.cluster.down(owner);
    await w.advance(3_000);
    const other = w.nodes.find(({ port }) => w.cluster.nodes.includes(port));
    const seen = other?.registry.supervisor("pool");
    if (seen === undefined) throw new Error("no node is left");
    expect([...diary].sort()).toEqual(lost.map(([id]) => `+${id}`).sort());
    for (const places of Object.values(placesOf(w, seen))) expect(places).toHaveLength(1);
    kill(w, "pool/a");
    await w.advance(1_000);
    expect(placesOf(w, seen).a).toHaveLength(1);
    await w.run(seen.stop());
    for (const { kernel, port } of w.nodes) {
      if (w.cluster.nodes.includes(port)) expect(kernel.list()).toEqual([]);
    }
  });

  test("while the tree is being restarted: the next node finishes the restart", async () => {
    const w = await start(3);
    const options = { strategy: "one-for-all", children: children("abc") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    const owner = ownerPlace(w, tree);
    kill(w, "pool/a");
    await w.advance(2);
    w.cluster.down(owner);
    await w.advance(5_000);
    const seen = w.nodes
      .find(({ port }) => w.cluster.nodes.includes(port))
      ?.registry.supervisor("pool");
    expect(seen && shown(seen)).toBe("a:running b:running c:running");
    for (const places of Object.values(placesOf(w, tree)))
      expect(places.length).toBeLessThanOrEqual(1);
  });
});

describe("a tree as it runs", () => {
  test("takes new children, which are forgotten when they end for good", async () => {
    const w = await start(3);
    const tree = await w.run(w.at(0).registry.supervise("pool", { strategy: "dynamic" }));
    const far = w.at(2).registry.supervisor("pool");
    await w.advance(100);
    const ref = await w.run(far.startChild({ id: "n1", process: worker, args: { id: "n1" } }));
    expect(await w.run(ref.call("add", 2))).toBe(2);
    const twice = far.startChild({ id: "n1", process: worker, args: { id: "n1" } });
    expect(await codeOf(w.run(twice))).toBe("ERR_INVALID_ARGUMENT");
    await w.run(tree.startChild(child("n2", { restart: "temporary" })));
    expect(shown(tree)).toBe("n1:running n2:running");
    kill(w, "pool/n2");
    await w.advance(200);
    expect(shown(tree)).toBe("n1:running");
    broken.add("n3");
    expect(await codeOf(w.run(tree.startChild(child("n3"))))).toBe("ERR_INIT_FAILED");
    expect(shown(tree)).toBe("n1:running");
    expect(await w.run(tree.endChild("n1"))).toBe(true);
    expect(await w.run(tree.endChild("n1"))).toBe(false);
    await w.advance(100);
    expect(shown(far)).toBe("");
    expect(runningAt(w, "pool/n1")).toEqual([]);
  });

  test("remembers the children it was given when another node goes on with it", async () => {
    const w = await start(3);
    const tree = await w.run(w.at(0).registry.supervise("pool", { strategy: "dynamic" }));
    for (let index = 0; index < 6; index++) {
      await w.run(tree.startChild(child(`n${index}`)));
    }
    const owner = ownerPlace(w, tree);
    w.cluster.down(owner);
    await w.advance(3_000);
    const seen = w.nodes
      .find(({ port }) => w.cluster.nodes.includes(port))
      ?.registry.supervisor("pool");
    if (seen === undefined) throw new Error("no node is left");
    expect(seen.children()).toHaveLength(6);
    for (const places of Object.values(placesOf(w, seen))) expect(places).toHaveLength(1);
    kill(w, "pool/n3");
    await w.advance(1_000);
    expect(placesOf(w, seen).n3).toHaveLength(1);
    expect(await w.run(seen.endChild("n4"))).toBe(true);
  });

  test("refuses more children than maxChildren", async () => {
    const w = await start(1);
    const options = { strategy: "dynamic", maxChildren: 1 } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    await w.run(tree.startChild(child("a")));
    expect(await codeOf(w.run(tree.startChild(child("b"))))).toBe("ERR_QUEUE_FULL");
  });

  test("ends a child of the plan and keeps its place, over a takeover too", async () => {
    const w = await start(3);
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: children("abc") }));
    expect(await w.run(tree.endChild("b"))).toBe(true);
    expect(shown(tree)).toBe("a:running b:ended c:running");
    const owner = ownerPlace(w, tree);
    w.cluster.down(owner);
    await w.advance(3_000);
    const seen = w.nodes
      .find(({ port }) => w.cluster.nodes.includes(port))
      ?.registry.supervisor("pool");
    if (seen === undefined) throw new Error("no node is left");
    expect(shown(seen)).toBe("a:running b:ended c:running");
    await w.run(seen.restartChild("b"));
    expect(shown(seen)).toBe("a:running b:running c:running");
  });

  test("a child that a user stops by its reference stays ended", async () => {
    const w = await start(2);
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: children("ab") }));
    await w.run(tree.process(worker, "a").stop());
    await w.advance(10_000);
    expect(shown(tree)).toBe("a:ended b:running");
    await w.run(tree.restartChild("a"));
    expect(shown(tree)).toBe("a:running b:running");
  });

  test("restarts a child when it is told, and does not count it", async () => {
    const w = await start(2);
    const options = { maxRestarts: 0, children: children("ab") } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    diary.length = 0;
    await w.run(tree.restartChild("a"));
    expect(diary).toEqual(["-a", "+a"]);
    expect(await codeOf(w.run(tree.restartChild("z")))).toBe("ERR_NO_PROCESS");
  });

  test("stops from any node: children in reverse, and nothing is left anywhere", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.supervise("pool", { children: children("abc") }));
    await w.advance(100);
    diary.length = 0;
    await w.run(w.at(2).registry.supervisor("pool").stop());
    expect(diary).toEqual(["-c", "-b", "-a"]);
    await w.advance(10_000);
    for (const { registry, kernel } of w.nodes) {
      expect(registry.children()).toEqual([]);
      expect(kernel.list()).toEqual([]);
    }
    const gone = w.at(2).registry.supervisor("pool").stop();
    expect(await codeOf(w.run(gone))).toBe("ERR_NO_PROCESS");
  });

  test("a drain of its node moves the tree and its children, and restarts nothing else", async () => {
    const w = await start(3);
    const tree = await w.run(
      w.at(0).registry.supervise("pool", { strategy: "one-for-all", children: children("abcd") }),
    );
    const owner = ownerPlace(w, tree);
    const moved = Object.entries(placesOf(w, tree)).filter(([, [place]]) => place === owner);
    diary.length = 0;
    w.cluster.drain(owner);
    await w.run(w.at(owner).registry.drain());
    await w.advance(1_000);
    const seen = w.at((owner + 1) % 3).registry.supervisor("pool");
    expect(ownerPlace(w, seen)).not.toBe(owner);
    for (const places of Object.values(placesOf(w, seen))) {
      expect(places).toHaveLength(1);
      expect(places).not.toContain(owner);
    }
    const started = diary.filter((line) => line.startsWith("+")).sort();
    expect(started.length).toBeLessThanOrEqual(moved.length);
  });

  test.each(["one-for-one", "one-for-all"] as const)(
    "one that is %s is moved by hand like any process: its children run on, and it decides from there",
    async (strategy) => {
      const w = await start(3);
      const tree = await w.run(
        w.at(0).registry.supervise("pool", { strategy, children: children("abc") }),
      );
      const before = placesOf(w, tree);
      const from = ownerPlace(w, tree);
      const to = (from + 1) % 3;
      diary.length = 0;
      await w.run(w.at(0).registry.migrate("pool", { to: w.at(to).port.id }).done);
      await w.advance(1_000);
      expect(ownerPlace(w, tree)).toBe(to);
      expect(diary).toEqual([]);
      expect(placesOf(w, tree)).toEqual(before);
      await codeOf(w.run(tree.process(worker, "b").call("crash")));
      await w.advance(1_000);
      const restarted = strategy === "one-for-one" ? ["+b"] : ["+a", "+b", "+c"];
      expect(diary.filter((line) => line.startsWith("+"))).toEqual(restarted);
      await w.run(tree.startChild(child("d")));
      expect(shown(tree)).toBe("a:running b:running c:running d:running");
      await w.run(tree.stop());
      expect(w.nodes.flatMap(({ kernel }) => kernel.list())).toEqual([]);
    },
  );

  test("a child that starts where its supervisor runs stays when that one is moved, and follows at its next start", async () => {
    const w = await start(2);
    const local = child("a", { distribute: false });
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: [local] }));
    const from = ownerPlace(w, tree);
    expect(placesOf(w, tree)).toEqual({ a: [from] });
    await w.run(w.at(0).registry.migrate("pool", { to: w.at(1 - from).port.id }).done);
    await w.advance(1_000);
    expect(placesOf(w, tree)).toEqual({ a: [from] });
    await w.run(tree.restartChild("a"));
    expect(placesOf(w, tree)).toEqual({ a: [1 - from] });
  });

  test("tells what happens to who watches, on any node", async () => {
    const w = await start(2);
    const backoff = { initial: "100ms", max: "1s" } as const;
    await w.run(w.at(0).registry.supervise("pool", { backoff, children: children("ab") }));
    await w.advance(100);
    const seen: string[] = [];
    const handle = w.at(1).registry.supervisor("pool");
    const events = handle.watch();
    const reading = (async () => {
      for await (const event of events) seen.push(`${event.type} ${"id" in event ? event.id : ""}`);
    })();
    kill(w, "pool/a");
    await w.advance(500);
    await w.run(handle.stop());
    await w.run(reading);
    expect(seen).toEqual([
      "child-started a",
      "child-started b",
      "child-ended a",
      "child-started a",
      "child-removed b",
      "child-removed a",
      "stopped ",
    ]);
  });

  test("closing a handle ends what it watches, and not the tree", async () => {
    const w = await start(1);
    const tree = await w.run(w.at(0).registry.supervise("pool", { children: children("a") }));
    const events = tree.watch();
    await tree.close();
    expect((await events.next()).done).toBe(true);
    expect(shown(tree)).toBe("a:running");
  });
});

describe("supervisors under supervisors", () => {
  const inner = (ids: string, more: object = {}) => ({ children: children(ids), ...more });

  test("start in order with their children, and stop in reverse", async () => {
    const w = await start(3);
    const tree = await w.run(
      w.at(0).registry.supervise("app", {
        children: [child("a"), { id: "sub", supervisor: inner("xy") }, child("b")],
      }),
    );
    expect(diary).toEqual(["+a", "+x", "+y", "+b"]);
    expect(tree.children().map(({ type }) => type)).toEqual(["process", "supervisor", "process"]);
    expect(shown(tree.supervisor("sub"))).toBe("x:running y:running");
    diary.length = 0;
    await w.run(tree.stop());
    expect(diary).toEqual(["-b", "-y", "-x", "-a"]);
    await w.advance(1_000);
    for (const { registry } of w.nodes) expect(registry.children()).toEqual([]);
  });

  test("one that gives up is restarted by the one above, with all of its children", async () => {
    const w = await start(3);
    const tree = await w.run(
      w.at(0).registry.supervise("app", {
        children: [child("a"), { id: "sub", supervisor: inner("xy", { maxRestarts: 0 }) }],
      }),
    );
    diary.length = 0;
    kill(w, "app/sub/x");
    await w.advance(2_000);
    expect(diary).toEqual(["-y", "+x", "+y"]);
    expect(shown(tree.supervisor("sub"))).toBe("x:running y:running");
    expect(shown(tree)).toBe("a:running sub:running");
  });

  test("one that gives up too often makes the one above give up", async () => {
    const w = await start(2);
    const tree = await w.run(
      w.at(0).registry.supervise("app", {
        maxRestarts: 1,
        children: [child("a"), { id: "sub", supervisor: inner("x", { maxRestarts: 0 }) }],
      }),
    );
    kill(w, "app/sub/x");
    await w.advance(1_000);
    expect(shown(tree)).toBe("a:running sub:running");
    kill(w, "app/sub/x");
    await w.advance(1_000);
    expect(tree.whereis()).toBeUndefined();
    for (const { kernel } of w.nodes) expect(kernel.list()).toEqual([]);
  });

  test("a child under them that does not start fails the whole start", async () => {
    const w = await start(2);
    broken.add("y");
    const failed = w.at(0).registry.supervise("app", {
      children: [child("a"), { id: "sub", supervisor: inner("xy") }],
    });
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
    expect(diary).toEqual(["+a", "+x", "-x", "-a"]);
    await w.advance(1_000);
    for (const { registry } of w.nodes) expect(registry.children()).toEqual([]);
  });

  test("do not wait for ever for one whose process dies while its children end", async () => {
    const w = await start(1);
    const clinging = { id: "x", process: clinger, distribute: false } as const;
    const tree = await w.run(
      w.at(0).registry.supervise("app", {
        children: [{ id: "sub", supervisor: { children: [clinging] } }],
      }),
    );
    const ended = tree.endChild("sub", { timeout: "1m" });
    await w.advance(500);
    kill(w, "app/sub");
    expect(await w.run(ended)).toBe(true);
    await w.run(tree.stop());
    await w.advance(10_000);
    expect(w.at(0).registry.children()).toEqual([]);
    expect(w.at(0).kernel.list()).toEqual([]);
  });
});
