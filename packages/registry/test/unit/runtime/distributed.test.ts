import { afterEach, describe, expect, test } from "@jest/globals";
import {
  definitionOf,
  definedNames,
  hashRing,
  localPlacement,
  pinned,
  type Placement,
} from "@foundation/core";
import type { DefinitionSource } from "../../../src/index.js";
import {
  codeOf,
  counter,
  journal,
  other,
  refusing,
  runningAt,
  world,
  type World,
} from "./world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** Where a distributed child runs; fails unless it is exactly one place. */
function onlyPlace(w: World, label: string): number {
  const places = runningAt(w, label);
  expect(places).toHaveLength(1);
  return places[0] as number;
}

function pinnedTo(w: World, place: number): Placement {
  return pinned(w.at(place).port.id);
}

const distributed = (name: string) => ({ name, distribute: true }) as const;

describe("where a distributed process starts", () => {
  test("every node chooses the node the ring names, whoever asks", async () => {
    const w = await start(4);
    const ring = hashRing();
    const ids = w.nodes.map(({ port }) => ({ id: port.id }));
    for (let index = 0; index < 12; index++) {
      const name = `p${index}`;
      await w.run(w.at(index % 4).registry.startProcess(other, undefined, distributed(name)));
      const place = onlyPlace(w, name);
      expect(w.at(place).port.id).toBe(ring.place(name, ids));
    }
    const used = new Set(Array.from({ length: 12 }, (_, index) => onlyPlace(w, `p${index}`)));
    expect(used.size).toBeGreaterThan(1);
  });

  test("on restricts it to a node, and with a role to the nodes that have it", async () => {
    const w = await start(2);
    w.cluster.add({ roles: ["ai"] });
    w.boot(2);
    await w.advance(200);
    const { registry } = w.at(0);
    const to = (name: string) => ({ ...distributed(name) });
    await w.run(registry.startProcess(other, undefined, { ...to("a"), on: { role: "ai" } }));
    expect(onlyPlace(w, "a")).toBe(2);
    await w.run(registry.startProcess(other, undefined, { ...to("b"), on: w.at(1).port.id }));
    expect(onlyPlace(w, "b")).toBe(1);
    const nowhere = registry.startProcess(other, undefined, { ...to("c"), on: { role: "gpu" } });
    expect(await codeOf(w.run(nowhere))).toBe("ERR_NO_CANDIDATE");
    const labels = { on: { labels: { zone: "x" } } };
    const nolabel = registry.startProcess(other, undefined, { ...to("d"), ...labels });
    expect(await codeOf(w.run(nolabel))).toBe("ERR_NO_CANDIDATE");
  });

  test("the placement of one start overrides the registry's for that start", async () => {
    const w = await start(3);
    for (const place of [0, 1, 2]) {
      const options = { ...distributed(`l${place}`), placement: localPlacement() };
      await w.run(w.at(place).registry.startProcess(other, undefined, options));
      expect(onlyPlace(w, `l${place}`)).toBe(place);
    }
  });

  test("a draining node is given nothing", async () => {
    const w = await start(3);
    w.cluster.drain(1);
    await w.advance(50);
    for (let index = 0; index < 10; index++) {
      await w.run(w.at(0).registry.startProcess(other, undefined, distributed(`p${index}`)));
    }
    for (let index = 0; index < 10; index++) expect(onlyPlace(w, `p${index}`)).not.toBe(1);
  });

  test("a process that nobody defines is refused, one that others define starts there", async () => {
    const none: DefinitionSource = {
      get: () => undefined,
      names: () => [],
      onDefined: () => () => undefined,
    };
    const w = await start(2, {}, { definitions: none });
    const refused = w.at(0).registry.startProcess(other, undefined, distributed("x"));
    await expect(w.run(refused)).rejects.toMatchObject({
      code: "ERR_PROCESS_UNDEFINED",
      details: { definition: "test.other" },
    });
    const here = w.at(0).registry.startProcess(other, undefined);
    expect(await codeOf(w.run(here))).toBe("ERR_PROCESS_UNDEFINED");
  });

  test("only the nodes that define a process are asked to run it", async () => {
    const without: DefinitionSource = {
      get: (name) => (name === other.name ? undefined : definitionOf(name)),
      names: () => definedNames().filter((name) => name !== other.name),
      onDefined: () => () => undefined,
    };
    const w = await start(3, {}, { definitions: without });
    w.cluster.add();
    const all = { get: definitionOf, names: definedNames, onDefined: () => () => undefined };
    w.boot(3, { definitions: all });
    await w.advance(300);
    for (let index = 0; index < 6; index++) {
      await w.run(w.at(0).registry.startProcess(other, undefined, distributed(`p${index}`)));
      expect(onlyPlace(w, `p${index}`)).toBe(3);
    }
  });

  test("a node that has just joined is asked itself, before it has told what it defines", async () => {
    const w = await start(2, { latencyMs: 20 });
    w.cluster.add();
    const joined = w.boot(2);
    await w.advance(25);
    const options = { ...distributed("early"), on: joined.port.id };
    await w.run(w.at(0).registry.startProcess(other, undefined, options));
    expect(onlyPlace(w, "early")).toBe(2);
  });

  test("an init that throws is the caller's error and leaves nothing behind", async () => {
    const w = await start(3);
    const failed = w.at(0).registry.startProcess(refusing, undefined, distributed("bad"));
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
    await w.advance(10_000);
    expect(runningAt(w, "bad")).toEqual([]);
    expect(w.at(0).registry.children()).toEqual([]);
    await w.run(w.at(0).registry.startProcess(other, undefined, distributed("bad")));
    onlyPlace(w, "bad");
  });

  test("bad options are refused before anything is sent", async () => {
    const w = await start(1);
    const { registry } = w.at(0);
    const start1 = (options: object) =>
      codeOf(registry.startProcess(counter, { from: 0 }, options as never));
    expect(await start1({ nmae: "x" })).toBe("ERR_INVALID_ARGUMENT");
    expect(await start1({ restart: "always" })).toBe("ERR_INVALID_ARGUMENT");
    expect(await start1({ on: 7 })).toBe("ERR_INVALID_ARGUMENT");
    expect(await start1({ wait: "visible" })).toBe("ERR_INVALID_ARGUMENT");
    expect(await start1({ timeout: "soon" })).toBe("ERR_INVALID_ARGUMENT");
    expect(await start1({ name: "x".repeat(256) })).toBe("ERR_NAME_INVALID");
    expect(await start1({ name: "" })).toBe("ERR_NAME_INVALID");
    expect(registry.info().processes).toBe(0);
  });

  test("wait: visible resolves only when every member can find it", async () => {
    const w = await start(5, { latencyMs: 50 });
    const options = { ...distributed("seen"), wait: "visible" } as const;
    await w.run(w.at(0).registry.startProcess(counter, { from: 3 }, options));
    for (const { registry } of w.nodes) expect(registry.lookup("seen")).toBeDefined();
  });

  test("the caller can use the name as soon as the start is done, however slow the news", async () => {
    const w = await start(4, { latencyMs: 200 });
    for (let index = 0; index < 5; index++) {
      const { registry } = w.at(0);
      await w.run(registry.startProcess(counter, { from: index }, distributed(`n${index}`)));
      const ref = registry.process(counter, `n${index}`);
      expect(await w.run(ref.call("total"))).toBe(index);
    }
  });
});

describe("a name that runs already", () => {
  test("a second start is refused with the holder, or gets the reference when it asked for it", async () => {
    const w = await start(3);
    const first = await w.run(
      w.at(0).registry.startProcess(counter, { from: 1 }, distributed("one")),
    );
    await w.advance(200);
    for (const { registry } of w.nodes) {
      await expect(
        w.run(registry.startProcess(counter, { from: 2 }, distributed("one"))),
      ).rejects.toMatchObject({ code: "ERR_NAME_TAKEN", details: { holder: first.whereis() } });
      const options = { ...distributed("one"), ifRunning: "return" } as const;
      const same = await w.run(registry.startProcess(counter, { from: 2 }, options));
      expect(await w.run(same.call("total"))).toBe(1);
      const wrong = w.run(registry.startProcess(other, undefined, options));
      expect(await codeOf(wrong)).toBe("ERR_NAME_TAKEN");
    }
  });

  test("starts from every node at once end with one process, and every caller can use it", async () => {
    const w = await start(5);
    const options = { ...distributed("one"), ifRunning: "return" } as const;
    const refs = await Promise.all(
      w.nodes.map(({ registry }) => w.run(registry.startProcess(counter, { from: 0 }, options))),
    );
    await w.advance(1_000);
    onlyPlace(w, "one");
    for (const ref of refs) await w.run(ref.call("add", 1));
    expect(await w.run(refs[0]?.call("total") ?? Promise.resolve(-1))).toBe(5);
  });

  test("starts that chose different nodes at once end with one instance", async () => {
    const w = await start(3, {}, { placement: localPlacement() });
    const ended = await Promise.all(
      w.nodes.map(({ registry }) =>
        codeOf(w.run(registry.startProcess(counter, { from: 0 }, distributed("one")))),
      ),
    );
    expect(ended.filter((code) => code !== "none" && code !== "ERR_NAME_TAKEN")).toEqual([]);
    await w.advance(2_000);
    onlyPlace(w, "one");
    for (const { registry } of w.nodes) {
      expect(await w.run(registry.process(counter, "one").call("add", 1))).toBeGreaterThan(0);
      expect(registry.children()).toHaveLength(1);
    }
  });
});

describe("when a node goes", () => {
  test("its children run again elsewhere, from init, and calls find them", async () => {
    const w = await start(3);
    for (let index = 0; index < 9; index++) {
      const { registry } = w.at(0);
      await w.run(registry.startProcess(counter, { from: index }, distributed(`c${index}`)));
      await w.run(registry.process(counter, `c${index}`).call("add", 100));
    }
    const dead = onlyPlace(w, "c0");
    const lost = Array.from({ length: 9 }, (_, index) => onlyPlace(w, `c${index}`)).filter(
      (place) => place === dead,
    ).length;
    w.cluster.down(dead);
    await w.advance(1_000);
    const survivor = w.at((dead + 1) % 3).registry;
    for (let index = 0; index < 9; index++) {
      expect(onlyPlace(w, `c${index}`)).not.toBe(dead);
      const total = await w.run(survivor.process(counter, `c${index}`).call("total"));
      expect([index, index + 100]).toContain(total);
    }
    const taken = w.nodes
      .filter((_, place) => place !== dead)
      .reduce((sum, { registry }) => sum + registry.info().takeovers, 0);
    expect(taken).toBe(lost);
  });

  test("a child without a name is taken over like one with a name", async () => {
    const w = await start(3);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 4 }, { distribute: true }),
    );
    await w.advance(100);
    const host = w.nodes.findIndex(({ port }) => port.id === ref.whereis()?.node);
    const observer = w.at((host + 1) % 3).registry;
    const same = observer.process(counter, ref.name ?? "");
    expect(await w.run(same.call("total"))).toBe(4);
    w.cluster.down(host);
    await w.advance(1_000);
    expect(await w.run(same.call("total"))).toBe(4);
    expect(observer.children()).toMatchObject([{ generation: 2, state: "running" }]);
  });

  test("a local process is not started elsewhere", async () => {
    const w = await start(3);
    await w.run(w.at(1).registry.startProcess(counter, { from: 0 }, { name: "mine" }));
    await w.advance(100);
    w.cluster.down(1);
    await w.advance(20_000);
    expect(runningAt(w, "mine")).toEqual([]);
    expect(await codeOf(w.at(0).registry.process(counter, "mine").call("total"))).toBe(
      "ERR_NO_PROCESS",
    );
  });

  test("a temporary child ends with its node and leaves the name free", async () => {
    const w = await start(3);
    const options = { ...distributed("t"), restart: "temporary" } as const;
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    await w.advance(100);
    const host = onlyPlace(w, "t");
    w.cluster.down(host);
    await w.advance(2_000);
    expect(runningAt(w, "t")).toEqual([]);
    const alive = w.at((host + 1) % 3).registry;
    expect(alive.children()).toEqual([]);
    await w.run(alive.startProcess(counter, { from: 1 }, options));
    onlyPlace(w, "t");
  });

  test("a node that restarts at once does not keep its children from running", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.startProcess(counter, { from: 5 }, distributed("c")));
    await w.advance(200);
    const host = onlyPlace(w, "c");
    w.cluster.restart(host);
    w.boot(host);
    await w.advance(2_000);
    onlyPlace(w, "c");
    for (const { registry } of w.nodes) {
      expect(await w.run(registry.process(counter, "c").call("total"))).toBe(5);
    }
  });

  test("a child waits for a node that may run it, and starts when one comes", async () => {
    const w = await start(2);
    w.cluster.add({ name: "gpu", roles: ["gpu"] });
    w.boot(2);
    await w.advance(200);
    const options = { ...distributed("c"), on: { role: "gpu" } };
    await w.run(w.at(0).registry.startProcess(counter, { from: 5 }, options));
    w.cluster.down(2);
    await w.advance(5_000);
    expect(runningAt(w, "c")).toEqual([]);
    w.cluster.restart(2);
    w.boot(2);
    await w.advance(2_000);
    expect(runningAt(w, "c")).toEqual([2]);
  });

  test("a child whose node died right after the reply is not lost", async () => {
    const w = await start(3, { latencyMs: 100 });
    let started = 0;
    for (let index = 0; index < 6; index++) {
      const name = `c${index}`;
      await w.run(w.at(0).registry.startProcess(counter, { from: index }, distributed(name)));
      const host = onlyPlace(w, name);
      if (host === 0) continue;
      started += 1;
      w.cluster.down(host);
      await w.advance(2_000);
      expect(await w.run(w.at(0).registry.process(counter, name).call("total"))).toBe(index);
      w.cluster.restart(host);
      w.boot(host);
      await w.advance(2_000);
    }
    expect(started).toBeGreaterThan(0);
  });
});

describe("the sweep", () => {
  test("a takeover that could not be carried out is tried again, with no event to remind of it", async () => {
    let loaded = true;
    const lazy: DefinitionSource = {
      get: (name) => (loaded || name !== counter.name ? definitionOf(name) : undefined),
      names: definedNames,
      onDefined: () => () => undefined,
    };
    const w = await start(2, {}, { definitions: lazy, limits: { sweepIntervalMs: 3_000 } });
    await w.run(
      w
        .at(0)
        .registry.startProcess(
          counter,
          { from: 1 },
          { ...distributed("c"), placement: pinnedTo(w, 1) },
        ),
    );
    expect(onlyPlace(w, "c")).toBe(1);
    loaded = false;
    w.cluster.down(1);
    await w.advance(1_000);
    expect(runningAt(w, "c")).toEqual([]);
    loaded = true;
    await w.advance(100);
    expect(runningAt(w, "c")).toEqual([]);
    await w.advance(3_000);
    expect(runningAt(w, "c")).toEqual([0]);
  });

  test("a placement that throws costs its decision, not the node, and is asked again", async () => {
    let isBroken = false;
    const ring = hashRing();
    const fragile: Placement = {
      ...ring,
      name: "fragile",
      place(key, candidates) {
        if (isBroken) throw new Error("mine");
        return ring.place(key, candidates);
      },
    };
    const w = await start(2, {}, { placement: fragile });
    const options = { ...distributed("c"), placement: pinnedTo(w, 1) };
    await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, options));
    isBroken = true;
    w.cluster.down(1);
    await w.advance(1_000);
    expect(runningAt(w, "c")).toEqual([]);
    isBroken = false;
    await w.advance(6_000);
    expect(runningAt(w, "c")).toEqual([0]);
  });

  test("children are looked at in parts, so that many of them do not hold up the node", async () => {
    let [asked, most] = [0, 0];
    const ring = hashRing();
    const counting: Placement = {
      ...ring,
      name: "counting",
      place(key, candidates) {
        // Microtasks run when a turn is over: until then it is one burst.
        if (asked === 0) queueMicrotask(() => (asked = 0));
        asked += 1;
        most = Math.max(most, asked);
        return ring.place(key, candidates);
      },
    };
    const limits = { looksAtOnceMax: 4 };
    const w = await start(2, {}, { placement: counting, limits });
    const names = Array.from({ length: 30 }, (_, index) => `c${index}`);
    for (const name of names) {
      const options = { ...distributed(name), placement: pinnedTo(w, 1) };
      await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, options));
    }
    most = 0;
    w.cluster.down(1);
    await w.advance(1_000);
    for (const name of names) expect(onlyPlace(w, name)).toBe(0);
    expect(most).toBe(limits.looksAtOnceMax);
  });
});

describe("a partition", () => {
  test("both sides serve meanwhile, and after the heal exactly one instance stays", async () => {
    const w = await start(5);
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const name of names) {
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed(name)));
    }
    await w.advance(500);
    w.cluster.partition([0, 1]);
    await w.advance(2_000);
    for (const name of names) {
      expect(runningAt(w, name)).toHaveLength(2);
      for (const { registry } of w.nodes) {
        expect(await codeOf(w.run(registry.process(counter, name).call("total")))).toBe("none");
      }
    }
    w.cluster.heal();
    await w.advance(15_000);
    for (const name of names) {
      const place = onlyPlace(w, name);
      for (const { registry } of w.nodes) {
        expect(registry.lookup(name)?.pid.node).toBe(w.at(place).port.id);
        expect(await w.run(registry.process(counter, name).call("where"))).toBe(
          w.at(place).port.id,
        );
      }
    }
  });

  test("a child stopped on one side does not come back from the other", async () => {
    const w = await start(4);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    await w.advance(500);
    w.cluster.partition([0, 1]);
    await w.advance(2_000);
    await w.run(w.at(0).registry.process(counter, "c").stop());
    await w.advance(1_000);
    expect(runningAt(w, "c")).toHaveLength(1);
    w.cluster.heal();
    await w.advance(15_000);
    expect(runningAt(w, "c")).toEqual([]);
    for (const { registry } of w.nodes) expect(registry.children()).toEqual([]);
  });
});

describe("crashes and ends", () => {
  test("a child that crashes starts again on its node, from init", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 7 }, distributed("c")));
    await w.advance(200);
    const host = onlyPlace(w, "c");
    await w.run(ref.call("add", 1));
    expect(await codeOf(w.run(ref.call("crash")))).toBe("ERR_HANDLER_FAILED");
    await w.advance(500);
    expect(onlyPlace(w, "c")).toBe(host);
    expect(await w.run(ref.call("total"))).toBe(7);
    expect(w.at(host).registry.info().restarts).toBe(1);
  });

  test("a child that keeps crashing is given up everywhere, and says why", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    await w.advance(200);
    for (let crash = 0; crash < 4; crash++) {
      await codeOf(w.run(ref.call("crash")));
      await w.advance(200);
    }
    await w.advance(20_000);
    expect(runningAt(w, "c")).toEqual([]);
    for (const { registry } of w.nodes) {
      expect(registry.children()).toMatchObject([{ identity: "c", state: "failed" }]);
      expect(registry.info().children).toEqual({ running: 0, failed: 1 });
    }
    await expect(ref.call("total")).rejects.toMatchObject({
      code: "ERR_NO_PROCESS",
      message: expect.stringMatching(/given up.*crashed on purpose/),
    });
    await w.run(w.at(1).registry.startProcess(counter, { from: 9 }, distributed("c")));
    await w.advance(100);
    expect(await w.run(ref.call("total"))).toBe(9);
  });

  test("a child given up stays so when its node dies", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    await w.advance(200);
    const host = onlyPlace(w, "c");
    for (let crash = 0; crash < 4; crash++) {
      await codeOf(w.run(ref.call("crash")));
      await w.advance(100);
    }
    await w.advance(500);
    w.cluster.down(host);
    await w.advance(10_000);
    expect(runningAt(w, "c")).toEqual([]);
  });

  test("stop ends it for good, wherever it runs and whoever asks", async () => {
    const w = await start(4);
    for (let place = 0; place < 4; place++) {
      const name = `c${place}`;
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed(name)));
      await w.advance(200);
      await w.run(w.at(place).registry.process(counter, name).stop());
      expect(runningAt(w, name)).toEqual([]);
    }
    await w.advance(30_000);
    for (const { registry } of w.nodes) {
      expect(registry.children()).toEqual([]);
      expect(registry.select()).toEqual([]);
    }
    expect(await codeOf(w.run(w.at(0).registry.process(counter, "c0").stop()))).toBe(
      "ERR_NO_PROCESS",
    );
  });

  test("a stop by a second name ends the distributed child for good", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    await w.advance(200);
    await w.run(w.at(1).registry.register("alias", ref));
    await w.advance(200);
    await w.run(w.at(2).registry.process(counter, "alias").stop());
    await w.advance(20_000);
    expect(runningAt(w, "c")).toEqual([]);
    for (const { registry } of w.nodes) expect(registry.children()).toEqual([]);
  });

  test("a drain without time left says so and leaves the rest to the takeover", async () => {
    const w = await start(2, { latencyMs: 200 }, { limits: { startsAtOnceMax: 1 } });
    await w.advance(1_000);
    const at = w.at(1).port.id;
    for (const name of ["a", "b", "c"]) {
      const options = { ...distributed(name), placement: pinned(at) };
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    }
    await w.run(w.at(1).registry.drain({ timeout: "300ms" }));
    const warned = w.at(1).runtime.logger.lines.map(({ message }) => message);
    expect(warned).toContain("No time was left to hand every child over");
    w.cluster.down(1);
    await w.advance(5_000);
    for (const name of ["a", "b", "c"]) expect(onlyPlace(w, name)).toBe(0);
  });

  test("a stopped name can be started anew, from whichever node", async () => {
    const w = await start(3);
    for (let round = 0; round < 5; round++) {
      const starter = w.at(round % 3).registry;
      const ref = await w.run(starter.startProcess(counter, { from: round }, distributed("again")));
      expect(await w.run(ref.call("total"))).toBe(round);
      await w.run(ref.stop());
      await w.advance(300);
    }
    expect(runningAt(w, "again")).toEqual([]);
  });

  test("a local process that crashes starts again under the same reference", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 3 }));
    const before = ref.whereis();
    await codeOf(w.run(ref.call("crash")));
    await w.advance(10);
    expect(await w.run(ref.call("total"))).toBe(3);
    expect(ref.whereis()?.serial).not.toBe(before?.serial);
    await w.run(ref.stop());
    expect(await codeOf(ref.call("total"))).toBe("ERR_NO_PROCESS");
    expect(w.at(0).registry.info().processes).toBe(0);
  });
});

describe("draining", () => {
  test("the children of a leaving node run elsewhere before it goes, never twice at once", async () => {
    const w = await start(3);
    const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
    for (const name of names) {
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed(name)));
    }
    await w.advance(300);
    const before = names.map((name) => onlyPlace(w, name));
    expect(before).toContain(1);
    w.cluster.drain(1);
    await w.run(w.at(1).registry.drain());
    for (const name of names) expect(onlyPlace(w, name)).not.toBe(1);
    await w.advance(300);
    for (const name of names) {
      expect(await w.run(w.at(1).registry.process(counter, name).call("total"))).toBe(0);
    }
    await w.run(w.at(1).registry.close());
    w.cluster.leave(1);
    await w.advance(10_000);
    for (const name of names) onlyPlace(w, name);
  });

  test("of the whole cluster at once is quiet; where somebody stays who cannot take a child, it is not", async () => {
    const w = await start(3);
    for (let index = 0; index < 6; index++) {
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed(`c${index}`)));
    }
    const warnings = () =>
      w.nodes.flatMap(({ runtime }) =>
        runtime.logger.lines.filter(({ level, message }) => {
          return level === "warn" && message.includes("found no new node");
        }),
      );
    const options = { name: "home", distribute: true, on: w.at(1).port.id } as const;
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    w.cluster.drain(1);
    await w.run(w.at(1).registry.drain());
    expect(warnings()).toMatchObject([{ fields: { count: 1, identities: ["home"] } }]);
    for (const place of [0, 2]) w.cluster.drain(place);
    await w.run(Promise.all([0, 2].map((place) => w.at(place).registry.drain())));
    for (const { kernel } of w.nodes) expect(kernel.list()).toEqual([]);
    expect(warnings()).toHaveLength(1);
  });

  test("a node alone keeps its specs, and ends its children when it closes", async () => {
    const w = await start(1);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    await w.run(w.at(0).registry.drain());
    expect(runningAt(w, "c")).toEqual([]);
    expect(w.at(0).registry.children()).toHaveLength(1);
    const refused = w.at(0).registry.startProcess(counter, { from: 0 }, distributed("d"));
    expect(await codeOf(w.run(refused))).toBe("ERR_NO_CANDIDATE");
  });
});

describe("the handle", () => {
  test("close is idempotent, ends the children, and later use is refused", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const ref = await w.run(registry.startProcess(counter, { from: 0 }));
    await w.run(Promise.all([registry.close(), registry.close()]).then(() => undefined));
    expect(w.at(0).kernel.list()).toEqual([]);
    expect(await codeOf(registry.startProcess(counter, { from: 0 }))).toBe("ERR_CLOSED");
    expect(await codeOf(ref.call("total"))).toBe("ERR_CLOSED");
    expect(() => registry.watch()).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });

  test("an unknown or impossible limit is refused", async () => {
    await expect(world(1, {}, { limits: { restartsMax: 0 } })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await expect(world(1, {}, { limits: { nonsense: 1 } as never })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  test("a call that a process makes in its journal happened exactly once", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, distributed("c")));
    for (let by = 1; by <= 20; by++) await w.run(ref.call("add", by));
    expect(journal.map(({ what }) => what)).toEqual(
      Array.from({ length: 20 }, (_, index) => `add ${index + 1}`),
    );
  });
});
