/** The contract of a process: the same text on two nodes exactly where one may call the other. */
import { describe, expect, test } from "@jest/globals";
import { contractOf } from "../../../src/process/contract.js";
import { defineProcess } from "../../../src/process/define-process.js";
import type { ProcessDefinition } from "../../../src/process/definition.js";

/** As another node may have it: the catalogue of this one holds a name once. */
function elsewhere(base: ProcessDefinition, change: Partial<ProcessDefinition>): ProcessDefinition {
  return { ...base, ...change };
}

const here = defineProcess({
  name: "contract.a",
  init: () => ({}),
  call: { get: () => 1, set: () => 2 },
  cast: { note: () => {} },
});

describe("the contract of a process", () => {
  test("does not depend on the order of handlers, nor on their code", () => {
    const same = elsewhere(here, { call: { set: () => 3, get: () => 4 }, info: () => {} });
    expect(contractOf(same)).toBe(contractOf(here));
    expect(contractOf(here)).toMatch(/^[\w-]{12}$/);
  });

  test.each([
    ["name", { name: "contract.b" }],
    ["version", { version: 2 }],
    ["calls", { call: { get: () => 1 } }],
    ["casts", { cast: {} }],
    ["kind of a handler", { call: { get: () => 1 }, cast: { note: () => {}, set: () => 2 } }],
  ])("changes with its %s", (_what, change) => {
    expect(contractOf(elsewhere(here, change))).not.toBe(contractOf(here));
  });
});
