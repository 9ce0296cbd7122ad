/** defineProcess and the catalogue: what a definition may be, and who may claim a name. */
import { describe, expect, test } from "@jest/globals";
import { definedNames, definitionOf, onDefined } from "../../../src/process/catalogue.js";
import { defineProcess } from "../../../src/process/define-process.js";

const define = (spec: unknown) => defineProcess(spec as Parameters<typeof defineProcess>[0]);
const init = () => ({});

describe("defineProcess", () => {
  test("fills in what was left out and freezes the definition", () => {
    const definition = defineProcess({ name: "define.least", init });
    expect(definition).toMatchObject({
      version: 1,
      info: undefined,
      terminate: undefined,
      upgrade: undefined,
      resolveConflict: undefined,
      persist: undefined,
      hibernateAfterMs: undefined,
      mailbox: { limit: 10_000, overflow: "refuse", handlers: undefined },
    });
    expect(Object.isFrozen(definition) && Object.isFrozen(definition.call)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["definition", undefined],
    ["definition", "counter"],
    ["name", { init }],
    ["name", { name: "", init }],
    ["name", { name: "é".repeat(128), init }],
    ["init", { name: "define.bad" }],
    ["init", { name: "define.bad", init: {} }],
    ["version", { name: "define.bad", init, version: 0 }],
    ["version", { name: "define.bad", init, version: "2" }],
    ["call", { name: "define.bad", init, call: [] }],
    ["call", { name: "define.bad", init, call: { "": init } }],
    ["call", { name: "define.bad", init, call: { add: 5 } }],
    ["cast", { name: "define.bad", init, cast: { add: undefined } }],
    ["info", { name: "define.bad", init, info: {} }],
    ["terminate", { name: "define.bad", init, terminate: "x" }],
    ["mailbox", { name: "define.bad", init, mailbox: 5 }],
    ["mailbox", { name: "define.bad", init, mailbox: { size: 5 } }],
    ["limit", { name: "define.bad", init, mailbox: { limit: 0 } }],
    ["limit", { name: "define.bad", init, mailbox: { limit: 1e9 } }],
    ["overflow", { name: "define.bad", init, mailbox: { overflow: "drop" } }],
    ["handlers", { name: "define.bad", init, mailbox: { handlers: 5 } }],
    ["note of handlers", { name: "define.bad", init, mailbox: { handlers: { note: 0 } } }],
    [
      "note of handlers",
      { name: "define.bad", init, mailbox: { limit: 3, handlers: { note: 4 } } },
    ],
    ["upgrade", { name: "define.bad", init, upgrade: 1 }],
    ["resolveConflict", { name: "define.bad", init, resolveConflict: "merge" }],
    ["persist", { name: "define.bad", init, persist: "always" }],
    ["persist", { name: "define.bad", init, persist: {} }],
    ["every in persist", { name: "define.bad", init, persist: { every: 0 } }],
    ["hibernateAfter", { name: "define.bad", init, hibernateAfter: "soon" }],
    ["handlers", { name: "define.bad", init, handlers: {} }],
  ])("refuses a bad %s and says what was expected", (option, spec) => {
    let failure: unknown;
    try {
      define(spec);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect((failure as Error).message).toMatch(new RegExp(`${option}.* must be .*, found `));
    expect(definitionOf("define.bad")).toBeUndefined();
  });

  test("takes handlers by their own names only", () => {
    const inherited = Object.create({ inherited: init }) as Record<string, () => object>;
    inherited["__proto__own"] = init;
    Object.defineProperty(inherited, "__proto__", { value: init, enumerable: true });
    const { call } = define({ name: "define.own", init, call: inherited });
    expect(Object.keys(call).sort()).toEqual(["__proto__", "__proto__own"]);
    expect(call["toString"]).toBeUndefined();
    expect(Object.getPrototypeOf(call)).toBeNull();
  });
});

describe("the catalogue", () => {
  test("finds a definition by its name and tells listeners of new ones", () => {
    const told: string[] = [];
    const stop = onDefined((name) => told.push(name));
    const definition = defineProcess({ name: "catalogue.one", init });
    stop();
    stop();
    defineProcess({ name: "catalogue.two", init });
    expect(definitionOf("catalogue.one")).toBe(definition);
    expect(definedNames()).toEqual(expect.arrayContaining(["catalogue.one", "catalogue.two"]));
    expect(told).toEqual(["catalogue.one"]);
    expect(definitionOf("toString")).toBeUndefined();
  });

  test("accepts the same module loaded twice, and keeps the first", () => {
    const load = () =>
      defineProcess({ name: "catalogue.twice", init: () => ({ n: 0 }), call: { n: () => 0 } });
    const [first, second] = [load(), load()];
    expect(second).not.toBe(first);
    expect(definitionOf("catalogue.twice")).toBe(first);
  });

  test("refuses another definition of a name that is taken", () => {
    const name = "catalogue.taken";
    defineProcess({ name, init: () => ({ n: 0 }), call: { n: () => 0 } });
    const others = [
      { name, init: () => ({ n: 1 }), call: { n: () => 0 } },
      { name, init: () => ({ n: 0 }), call: { n: () => 1 } },
      { name, init: () => ({ n: 0 }), call: { m: () => 0 } },
      { name, init: () => ({ n: 0 }), cast: { n: () => 0 } },
      { name, init: () => ({ n: 0 }), call: { n: () => 0 }, version: 2 },
      { name, init: () => ({ n: 0 }), call: { n: () => 0 }, mailbox: { limit: 1 } },
    ];
    for (const other of others) {
      expect(() => define(other)).toThrow(/Two different definitions claim/);
    }
  });

  test("is shared with other copies of this package", () => {
    const key = Symbol.for("@foundation/core/process-catalogue/1");
    const shared = (globalThis as unknown as Record<symbol, { entries: Map<string, unknown> }>)[
      key
    ];
    defineProcess({ name: "catalogue.shared", init });
    expect(shared?.entries.has("catalogue.shared")).toBe(true);
  });
});
