import { afterEach, describe, expect, test } from "@jest/globals";
import type { Boot, NodeId, ProcessDefinition } from "@foundation/core";
import { counted, differenceOf, parseContract } from "../../../src/protocol/contracts.js";
import type { DefinitionSource } from "../../../src/index.js";
import { codeOf, counter, world, type World } from "../runtime/world.js";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** As `counter`, but another definition of the same name and version. */
const deviant = {
  ...counter,
  call: { ...counter.call, subtract: () => 0 },
} as unknown as typeof counter;

const of = (definition: ProcessDefinition): { readonly definitions: DefinitionSource } => ({
  definitions: {
    get: (name) => (name === definition.name ? definition : undefined),
    names: () => [definition.name],
    onDefined: () => () => undefined,
  },
});

/** Nodes 0 and 1 mean one thing, node 2 another. */
async function deployed(third: ProcessDefinition): Promise<World> {
  const w = await world(2, {}, of(counter));
  open = w;
  w.cluster.add();
  w.boot(2, of(third));
  await w.advance(500);
  return w;
}

describe("two definitions of one name and version", () => {
  test("are reported once by every node that sees them, with what differs", async () => {
    const w = await deployed(deviant);
    await w.advance(20_000);
    const warnings = w.nodes.map(({ runtime }) =>
      runtime.logger.lines.filter(({ message }) => message.includes("is another one than")),
    );
    expect(warnings.map((lines) => lines.length)).toEqual([1, 1, 2]);
    expect(warnings[0]?.[0]?.message).toContain("only the other's has the call subtract");
    expect(w.at(0).registry.contractConflicts()).toEqual([
      {
        definition: "test.counter",
        version: counter.version,
        node: w.at(2).port.id,
        difference: "only the other's has the call subtract",
      },
    ]);
    expect(w.at(2).registry.contractConflicts()).toHaveLength(2);
  });

  test("the node with the other one takes nothing over", async () => {
    const w = await deployed(deviant);
    const names = Array.from({ length: 12 }, (_, i) => `till/${i}`);
    for (const name of names) {
      await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, { name, distribute: true }));
    }
    await w.advance(200);
    w.cluster.down(1);
    await w.advance(2_000);
    const hosts = new Set(names.map((name) => w.at(2).registry.lookup(name)?.pid.node));
    expect([...hosts]).toEqual([w.at(0).port.id]);
  });

  test("a call between them is refused before it is sent, and says what differs", async () => {
    const w = await deployed(deviant);
    await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, { name: "till" }));
    await w.advance(200);
    const ref = w.at(2).registry.process(deviant, "till");
    await expect(w.run(ref.call("total"))).rejects.toMatchObject({
      code: "ERR_CONTRACT_MISMATCH",
      details: { name: "till", difference: "only this node's has the call subtract" },
    });
    expect(await w.run(w.at(1).registry.process(counter, "till").call("total"))).toBe(1);
  });

  test("two versions of one name are no conflict: callers of both reach the other", async () => {
    const next = { ...deviant, version: counter.version + 1 } as typeof counter;
    const w = await deployed(next);
    await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, { name: "till" }));
    await w.advance(200);
    expect(w.at(2).registry.contractConflicts()).toEqual([]);
    expect(await codeOf(w.run(w.at(2).registry.process(next, "till").call("total")))).toBe("none");
  });

  test("the conflict is over when the node with the other one has gone", async () => {
    const w = await deployed(deviant);
    w.cluster.down(2);
    await w.advance(500);
    expect(w.at(0).registry.contractConflicts()).toEqual([]);
  });
});

describe("which contract counts", () => {
  const holder = (owner: string, boot: string, contract: string, version = 1) => ({
    owner: owner as NodeId,
    boot: boot as Boot,
    version,
    contract,
    calls: [],
    casts: [],
  });
  const ownersOf = (holders: Parameters<typeof counted>[0]) =>
    counted(holders).map(({ owner }) => owner);

  test("is that of most nodes, of as many that of the oldest start, of each version apart", () => {
    const [a, b, c] = [holder("a", "1", "x"), holder("b", "2", "y"), holder("c", "3", "y")];
    expect(ownersOf([a, b, c])).toEqual(["b", "c"]);
    expect(ownersOf([c, a])).toEqual(["a"]);
    expect(ownersOf([a, c])).toEqual(["a"]);
    expect(ownersOf([a, b, c, holder("d", "4", "z", 2)])).toEqual(["b", "c", "d"]);
    expect(ownersOf([])).toEqual([]);
  });

  test("what arrives is checked, and a difference that cannot be named is said to be one", () => {
    expect(parseContract({ version: 1, contract: "x", calls: ["a", 7], casts: 3 })).toEqual({
      version: 1,
      contract: "x",
      calls: ["a"],
      casts: [],
    });
    for (const bad of [null, 7, {}, { version: -1, contract: "x" }, { version: 1 }]) {
      expect(parseContract(bad)).toBeUndefined();
    }
    const same = { version: 1, contract: "x", calls: ["a"], casts: ["b"] };
    expect(differenceOf(same, { ...same, contract: "y" })).toBe("their handlers differ");
  });
});
