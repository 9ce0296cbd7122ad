/** Ecosystems on the memory world: who runs, who is told what, and what comes back after a loss. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, rendezvous } from "@foundation/core";
import type { Ecosystem, EcosystemPlace } from "../../../src/index.js";
import { codeOf, counter, refusing, runningAt, world, type World } from "../runtime/world.js";

interface Member {
  readonly told: EcosystemPlace[];
}

const handlers = {
  init: (): Member => ({ told: [] }),
  call: {
    told: ({ state }: { state: Member }) => state.told,
    where: ({ self }: { self: { node: string } }) => self.node,
  },
  cast: {
    crash: () => {
      throw new Error("crashed on purpose");
    },
  },
  info: ({ state }: { state: Member }, place: unknown) =>
    void state.told.push(place as EcosystemPlace),
};

const planner = defineProcess({ ...handlers, name: "ecosystem.planner" });
const worker = defineProcess({ ...handlers, name: "ecosystem.worker" });
const sink = defineProcess({ ...handlers, name: "ecosystem.sink" });

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

function crew(w: World, count: number, at = 0): Promise<Ecosystem<typeof planner>> {
  const workers = [{ process: worker, count }];
  const topology = "ring" as const;
  return w.run(
    w.at(at).registry.startEcosystem("crew", { coordinator: planner, workers, topology }),
  );
}

/** What the member with that name was told, from any node. */
async function toldTo(w: World, name: string, place = 0): Promise<readonly EcosystemPlace[]> {
  return w.run(w.at(place).registry.process(worker, name).call("told"));
}

describe("an ecosystem", () => {
  test("starts its coordinator and its workers under names that follow from its own", async () => {
    const w = await start(3);
    const seen: string[] = [];
    const ecosystem = await w.run(
      w.at(0).registry.startEcosystem("crew", {
        coordinator: planner,
        workers: [
          { process: worker, count: 2 },
          { process: sink, count: 1 },
        ],
        onProgress: ({ member, started, total }) => seen.push(`${started}/${total} ${member}`),
      }),
    );
    expect(seen[0]).toBe("1/4 crew/coordinator");
    expect(seen).toHaveLength(4);
    const { members, running, ...rest } = ecosystem.info();
    expect(rest).toEqual({
      ...{ name: "crew", state: "running", topology: "tree" },
      ...{ faultTolerance: "self-healing", placement: "replicated" },
    });
    expect(members.map(({ name, process, status }) => [name, process, status])).toEqual([
      ["crew/coordinator", "ecosystem.planner", "running"],
      ["crew/worker/0", "ecosystem.worker", "running"],
      ["crew/worker/1", "ecosystem.worker", "running"],
      ["crew/worker/2", "ecosystem.sink", "running"],
    ]);
    expect(running).toBe(4);
    expect(ecosystem.workers(worker).map(({ name }) => name)).toEqual([
      "crew/worker/0",
      "crew/worker/1",
    ]);
    await w.advance(100);
    expect(w.at(2).registry.ecosystems()).toEqual(["crew"]);
    expect(w.at(2).registry.ecosystem("crew", planner)?.info().running).toBe(4);
    expect(w.at(2).registry.ecosystem("nobody", planner)).toBeUndefined();
  });

  test("tells each process its place once, by name, wherever it runs", async () => {
    const w = await start(3);
    await crew(w, 3);
    await w.advance(100);
    const place = { type: "ecosystem", ecosystem: "crew", topology: "ring" };
    const coordinator = "crew/coordinator";
    const next = ["crew/worker/2"];
    expect(await toldTo(w, "crew/worker/1", 2)).toEqual([
      {
        ...{ ...place, role: "worker", index: 1, coordinator, previous: ["crew/worker/0"], next },
        neighbours: ["crew/worker/0", "crew/worker/2"],
      },
    ]);
    const told = await w.run(w.at(1).registry.process(planner, coordinator).call("told"));
    expect(told).toMatchObject([{ role: "coordinator", next: ["crew/worker/0"] }]);
    await w.advance(60_000);
    expect(await toldTo(w, "crew/worker/1", 2)).toHaveLength(1);
  });

  test("deals its workers out to the nodes in turn, or keeps them here, or places them by name", async () => {
    const w = await start(3);
    const spread = async (name: string, placement?: "local" | "partitioned") => {
      const workers = [{ process: worker, count: 6 }];
      const options = { coordinator: planner, workers, placement };
      const { info } = await w.run(w.at(1).registry.startEcosystem(name, options));
      const nodes = info()
        .members.slice(1)
        .map(({ node }) => node);
      return w.nodes.map(({ port }) => nodes.filter((node) => node === port.id).length);
    };
    expect(await spread("dealt")).toEqual([2, 2, 2]);
    expect(await spread("here", "local")).toEqual([0, 6, 0]);
    expect((await spread("named", "partitioned")).reduce((sum, count) => sum + count)).toBe(6);
    const own = await w.run(
      w.at(0).registry.startEcosystem("own", {
        coordinator: planner,
        workers: [{ process: worker, count: 2, on: w.at(2).port.id }],
        placement: rendezvous(),
      }),
    );
    expect(own.info().placement).toBe("custom");
    expect(runningAt(w, "own/worker/1")).toEqual([2]);
  });

  test("is local on one node, and partitioned on more than ten", async () => {
    const alone = await start(1);
    expect((await crew(alone, 2)).info().placement).toBe("local");
    await alone.close();
    const many = await start(11);
    expect((await crew(many, 2)).info().placement).toBe("partitioned");
  });
});

describe("a name that is taken", () => {
  test("refuses a second ecosystem, from any node, and leaves the first as it is", async () => {
    const w = await start(2);
    const first = await crew(w, 2);
    await w.advance(100);
    for (const place of [0, 1]) expect(await codeOf(crew(w, 1, place))).toBe("ERR_NAME_TAKEN");
    expect(first.info().running).toBe(3);
  });

  test("refuses an ecosystem one of whose names a process has", async () => {
    const w = await start(1);
    const { registry } = w.at(0);
    await w.run(registry.startProcess(counter, { from: 1 }, { name: "crew/worker/1" }));
    expect(await codeOf(crew(w, 2))).toBe("ERR_NAME_TAKEN");
    expect(registry.lookup("crew/coordinator")).toBeUndefined();
  });

  test("is given to one of two that start at the same time", async () => {
    const w = await start(2);
    const codes = await Promise.all([codeOf(crew(w, 2, 0)), codeOf(crew(w, 2, 1))]);
    await w.advance(30_000);
    expect(codes).toContain("none");
    for (const name of ["crew/coordinator", "crew/worker/0", "crew/worker/1"]) {
      expect(runningAt(w, name)).toHaveLength(1);
    }
  });
});

describe("a start that fails", () => {
  test("leaves nothing behind, and the name free", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const workers = [
      { process: worker, count: 3 },
      { process: refusing, count: 1 },
    ];
    const failed = registry.startEcosystem("crew", { coordinator: planner, workers });
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
    await w.advance(1_000);
    expect(registry.ecosystems()).toEqual([]);
    expect(registry.children()).toEqual([]);
    expect((await crew(w, 1)).info().running).toBe(2);
  });

  test.each<[string, object]>([
    ["topology", { topology: "star" }],
    ["faultTolerance", { faultTolerance: "none" }],
    ["branching", { branching: 0 }],
    ["placement", { placement: "custom" }],
    ["count", { workers: [{ process: worker, count: -1 }] }],
    ["count", { workers: [{ process: worker, count: 1_001 }] }],
    [
      "workers[1]",
      {
        workers: [
          { process: worker, count: 1 },
          { process: worker, count: 1 },
        ],
      },
    ],
    ["workers", { workers: undefined }],
    ["process", { workers: [{ process: "worker", count: 1 }] }],
    ["option", { size: 3 }],
    ["coordinator", { coordinator: undefined }],
  ])("is refused for a bad %s before anything runs", async (argument, options) => {
    const w = await start(1);
    const { registry } = w.at(0);
    const base = { coordinator: planner, workers: [{ process: worker, count: 1 }] };
    const started = registry.startEcosystem("crew", { ...base, ...options });
    await expect(w.run(started)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(argument),
    });
    expect(registry.children()).toEqual([]);
  });
});

describe("a member that is lost", () => {
  test("is told its place again when it was started again after a crash", async () => {
    const w = await start(2);
    const ecosystem = await crew(w, 2);
    await w.advance(100);
    const [first] = ecosystem.workers(worker);
    first?.cast("crash");
    await w.advance(1_000);
    expect(ecosystem.info().running).toBe(3);
    expect(await toldTo(w, "crew/worker/0")).toMatchObject([{ index: 0 }]);
  });

  test("comes back on another node when its node dies, and is told its place there", async () => {
    const w = await start(3);
    await crew(w, 6);
    await w.advance(100);
    w.cluster.down(2);
    await w.advance(60_000);
    const info = w.at(1).registry.ecosystem("crew", planner)?.info();
    expect(info?.running).toBe(7);
    for (const { name } of info?.members.slice(1) ?? []) {
      expect(await toldTo(w, name)).toMatchObject([{ ecosystem: "crew" }]);
    }
  });

  test("is started again on another node after a pause when it was given up", async () => {
    const w = await start(2, {}, { limits: { restartsMax: 1 } });
    const ecosystem = await crew(w, 2);
    await w.advance(100);
    const [before] = runningAt(w, "crew/worker/0");
    for (let crash = 0; crash < 2; crash++) {
      ecosystem.workers(worker)[0]?.cast("crash");
      await w.advance(100);
    }
    expect(ecosystem.info().members[1]).toMatchObject({ status: "failed" });
    await w.advance(10_000);
    expect(ecosystem.info().running).toBe(3);
    expect(runningAt(w, "crew/worker/0")).toEqual([before === 0 ? 1 : 0]);
    expect(await toldTo(w, "crew/worker/0")).toHaveLength(1);
  });

  test("stays given up where nobody heals", async () => {
    const w = await start(2, {}, { limits: { restartsMax: 1 } });
    const ecosystem = await w.run(
      w.at(0).registry.startEcosystem("crew", {
        coordinator: planner,
        workers: [{ process: worker, count: 1 }],
        faultTolerance: "standard",
      }),
    );
    for (let crash = 0; crash < 2; crash++) {
      ecosystem.workers(worker)[0]?.cast("crash");
      await w.advance(100);
    }
    await w.advance(60_000);
    expect(ecosystem.info()).toMatchObject({ running: 1, members: [{}, { status: "failed" }] });
  });

  test("that was stopped by hand is missing until it is healed", async () => {
    const w = await start(2);
    const ecosystem = await crew(w, 2);
    await w.run(ecosystem.workers(worker)[1]?.stop() ?? Promise.reject(new Error("no worker")));
    expect(ecosystem.info().members[2]).toMatchObject({ status: "missing", node: undefined });
    await w.advance(10_000);
    expect(ecosystem.info().running).toBe(3);
  });
});

describe("a change of scale", () => {
  test("starts what is missing, ends those of the highest numbers, and tells whose place changed", async () => {
    const w = await start(3);
    const ecosystem = await crew(w, 3);
    await w.advance(100);
    await w.run(ecosystem.scale(worker, 4));
    await w.advance(100);
    expect(ecosystem.info().running).toBe(5);
    const told = await toldTo(w, "crew/worker/2");
    expect(told.map(({ next }) => next)).toEqual([["crew/coordinator"], ["crew/worker/3"]]);
    expect(await toldTo(w, "crew/worker/1")).toHaveLength(1);
    const elsewhere = w.at(2).registry.ecosystem("crew", planner);
    await w.run(elsewhere?.scale(worker, 1) ?? Promise.reject(new Error("no ecosystem")));
    await w.advance(100);
    expect(ecosystem.info()).toMatchObject({ running: 2 });
    expect(runningAt(w, "crew/worker/1")).toEqual([]);
    expect((await toldTo(w, "crew/worker/0")).at(-1)).toMatchObject({ next: ["crew/coordinator"] });
  });

  test("refuses a process that is no worker, and too many", async () => {
    const w = await start(1);
    const ecosystem = await crew(w, 1);
    expect(await codeOf(ecosystem.scale(sink, 1))).toBe("ERR_INVALID_ARGUMENT");
    expect(await codeOf(ecosystem.scale(worker, 1_001))).toBe("ERR_INVALID_ARGUMENT");
    expect(ecosystem.info().running).toBe(2);
  });
});

describe("a partition", () => {
  test("that ends leaves one plan and one process for each of its members, all told their places", async () => {
    const w = await start(4);
    await crew(w, 4);
    await w.advance(100);
    w.cluster.partition([0, 1], [2, 3]);
    await w.advance(20_000);
    const [here, there] = [0, 2].map((at) => w.at(at).registry.ecosystem("crew", planner));
    // The same scale on both sides; then one side goes on, and its later plan is the one that stays.
    await w.run(there?.scale(worker, 3) ?? Promise.reject(new Error("no ecosystem")));
    await w.run(here?.scale(worker, 3) ?? Promise.reject(new Error("no ecosystem")));
    await w.run(here?.scale(worker, 6) ?? Promise.reject(new Error("no ecosystem")));
    w.cluster.heal();
    await w.advance(60_000);
    const infos = w.nodes.map(({ registry }) => registry.ecosystem("crew", planner)?.info());
    for (const info of infos) expect(info).toEqual(infos[0]);
    expect(infos[0]).toMatchObject({ running: 7 });
    const names = infos[0]?.members.map(({ name }) => name) ?? [];
    expect(names.at(-1)).toBe("crew/worker/5");
    for (const [index, name] of names.entries()) {
      expect(runningAt(w, name)).toHaveLength(1);
      const next = names[(index + 1) % names.length];
      const told =
        index === 0
          ? await w.run(w.at(3).registry.process(planner, name).call("told"))
          : await toldTo(w, name, 3);
      expect(told.at(-1)).toMatchObject({ next: [next] });
    }
  });

  test("leaves no process that only the plan of the side that lost knew", async () => {
    const w = await start(4);
    await crew(w, 2);
    await w.advance(100);
    w.cluster.partition([0, 1], [2, 3]);
    await w.advance(20_000);
    const [here, there] = [0, 2].map((at) => w.at(at).registry.ecosystem("crew", planner));
    await w.run(there?.scale(worker, 9) ?? Promise.reject(new Error("no ecosystem")));
    await w.run(here?.scale(worker, 3) ?? Promise.reject(new Error("no ecosystem")));
    await w.run(here?.scale(worker, 4) ?? Promise.reject(new Error("no ecosystem")));
    expect(runningAt(w, "crew/worker/8")).toHaveLength(1);
    w.cluster.heal();
    await w.advance(60_000);
    expect(there?.info()).toMatchObject({ running: 5 });
    const labels = w.nodes.flatMap(({ kernel }) => kernel.list().map(({ label }) => label));
    expect(labels.sort()).toEqual([
      "crew/coordinator",
      ...[0, 1, 2, 3].map((index) => `crew/worker/${index}`),
    ]);
  });
});

describe("a shutdown", () => {
  test("ends every process on every node and gives the names back", async () => {
    const w = await start(3);
    const ecosystem = await crew(w, 5);
    await w.run(ecosystem.shutdown());
    await w.advance(100);
    expect(w.nodes.flatMap(({ kernel }) => kernel.list())).toEqual([]);
    expect(() => ecosystem.info()).toThrow(/No ecosystem "crew" runs/);
    await w.run(ecosystem.shutdown());
    await w.advance(60_000);
    for (const { registry } of w.nodes) expect(registry.ecosystems()).toEqual([]);
    expect((await crew(w, 1, 2)).info().running).toBe(2);
  });

  test("is finished by the others when the node that asked for it dies", async () => {
    const w = await start(3);
    const ecosystem = await crew(w, 6, 1);
    await w.advance(100);
    const cut = codeOf(ecosystem.shutdown());
    await w.advance(0);
    w.cluster.down(1);
    await w.advance(120_000);
    void cut;
    const left = [w.at(0), w.at(2)].flatMap(({ kernel }) => kernel.list());
    expect(left).toEqual([]);
    expect(w.at(0).registry.ecosystems()).toEqual([]);
  });
});
