/** Moves between nodes whose definitions differ, and moves of what ends meanwhile. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { definedNames, definitionOf, pinned, type ProcessDefinition } from "@foundation/core";
import type { DefinitionSource } from "../../../src/index.js";
import { codeOf, counter, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** The usual definitions, but for the counter. */
function withCounter(definition: ProcessDefinition): DefinitionSource {
  return {
    get: (name) => (name === counter.name ? definition : definitionOf(name)),
    names: definedNames,
    onDefined: () => () => undefined,
  };
}

/** A counter with 5 in it on the first of two nodes; the second one has another definition. */
async function towards(definition: ProcessDefinition): Promise<World> {
  const w = await world(1, { latencyMs: 20 });
  open = w;
  w.cluster.add();
  w.boot(1, { definitions: withCounter(definition) });
  await w.advance(500);
  const placement = pinned(w.at(0).port.id);
  const options = { name: "c", distribute: true, placement } as const;
  await w.run(w.at(0).registry.startProcess(counter, { from: 5 }, options));
  await w.advance(500);
  return w;
}

const erased: ProcessDefinition = counter;

describe("a move to a node with another version of the definition", () => {
  test("brings the state to that version by upgrade", async () => {
    const upgrade = (old: unknown, from: number) => ({
      total: (old as { total: number }).total * 100 + from,
    });
    const w = await towards({ ...erased, version: 2, upgrade });
    await w.run(w.at(0).registry.migrate("c", { to: w.at(1).port.id }).done);
    expect(runningAt(w, "c")).toEqual([1]);
    expect(await w.run(w.at(0).registry.process(counter, "c").call("total"))).toBe(501);
  });

  test("is refused where that has no upgrade, or its upgrade fails, and the process goes on", async () => {
    const broken = () => {
      throw new Error("cannot read it");
    };
    for (const [definition, code] of [
      [{ ...erased, version: 2 }, "ERR_STATE_VERSION"],
      [{ ...erased, version: 2, upgrade: broken }, "ERR_INIT_FAILED"],
    ] as const) {
      const w = await towards(definition);
      const moving = w.at(0).registry.migrate("c", { to: w.at(1).port.id });
      expect(await w.run(codeOf(moving.done))).toBe(code);
      expect(runningAt(w, "c")).toEqual([0]);
      expect(await w.run(w.at(0).registry.process(counter, "c").call("total"))).toBe(5);
      await w.close();
      open = undefined;
    }
  });

  test("is refused where the same version is called differently", async () => {
    const { total, ...call } = erased.call;
    void total;
    const w = await towards({ ...erased, call });
    const moving = w.at(0).registry.migrate("c", { to: w.at(1).port.id });
    await expect(w.run(moving.done)).rejects.toMatchObject({
      code: "ERR_NOT_MOVED",
      details: { reason: "contract" },
    });
    expect(runningAt(w, "c")).toEqual([0]);
  });
});

describe("a process that ends while it is moved", () => {
  test.each([1, 15, 25, 35, 45, 55])("by stop, after %i ms: it runs nowhere", async (ms) => {
    const w = await towards(erased);
    const code = codeOf(w.at(0).registry.migrate("c", { to: w.at(1).port.id }).done);
    await w.advance(ms);
    await w.run(w.at(1).registry.process(counter, "c").stop());
    await w.advance(60_000);
    expect(["none", "ERR_NOT_MOVED", "ERR_NO_PROCESS", "ERR_OUTCOME_UNKNOWN"]).toContain(
      await w.run(code),
    );
    expect(runningAt(w, "c")).toEqual([]);
    expect(w.at(0).registry.children()).toEqual([]);
  });

  test.each([15, 25, 45])("by a kill, after %i ms: it runs once", async (ms) => {
    const w = await towards(erased);
    const pid = w.at(0).registry.lookup("c")?.pid;
    const code = codeOf(w.at(0).registry.migrate("c", { to: w.at(1).port.id }).done);
    await w.advance(ms);
    if (pid !== undefined) w.at(0).kernel.exit(pid, { type: "killed" });
    await w.advance(60_000);
    expect(["none", "ERR_NOT_MOVED", "ERR_NO_PROCESS"]).toContain(await w.run(code));
    expect(runningAt(w, "c")).toHaveLength(1);
    expect(await w.run(w.at(0).registry.process(counter, "c").call("total"))).toBe(5);
  });
});
