import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Registry } from "../../../src/index.js";
import { codeOf, counter, other, world, type World } from "./world.js";

let w: World;
beforeEach(async () => {
  w = await world(2);
});
afterEach(() => w.close());

type Loose = Record<string, (...given: unknown[]) => unknown>;
type Operation = (registry: Loose & Record<string, Loose>, given: unknown) => unknown;

const NO_OBJECTS = [null, 0, "x", Symbol("s")];
const NO_PROCESSES = [undefined, ...NO_OBJECTS, {}, [], Number.NaN, () => 1];
const to = "0".repeat(32);

const OPERATIONS: readonly [what: string, wrong: readonly unknown[], operation: Operation][] = [
  ["a definition", NO_PROCESSES, (r, given) => r["startProcess"]?.(given)],
  ["options", NO_OBJECTS, (r, given) => r["startProcess"]?.(other, undefined, given)],
  [
    "an argument that reads like options",
    [{ name: "x" }, { distribute: true, on: "0".repeat(32) }],
    (r, given) => r["startProcess"]?.(other, given),
  ],
  [
    "a placement",
    [...NO_OBJECTS, {}],
    (r, placement) => r["startProcess"]?.(other, undefined, { placement }),
  ],
  [
    "a signal",
    [...NO_OBJECTS, {}],
    (r, signal) => r["startProcess"]?.(other, undefined, { signal }),
  ],
  ["a process", NO_PROCESSES, (r, given) => r["register"]?.("a", given)],
  ["options", NO_OBJECTS, (r, given) => r["register"]?.("a", undefined, given)],
  ["a process", [null, 0, {}, []], (r, given) => r["migrate"]?.(given, { to })],
  ["options", [undefined, ...NO_OBJECTS], (r, given) => r["migrate"]?.("a", given)],
  ["a node", NO_PROCESSES, (r, node) => r["migrate"]?.("a", { to: node })],
  ["a member", NO_PROCESSES, (r, given) => r["groups"]?.["join"]?.("g", given)],
  ["a member", NO_PROCESSES, (r, given) => r["groups"]?.["leave"]?.("g", given)],
  ["a member", NO_PROCESSES, (r, given) => r["groups"]?.["which"]?.(given)],
  ["options", [undefined, ...NO_OBJECTS], (r, given) => r["services"]?.["register"]?.("s", given)],
  [
    "a process of a service",
    [...NO_OBJECTS, {}, { ref: {} }],
    (r, process) => r["services"]?.["register"]?.("s", { process }),
  ],
  ["options", NO_OBJECTS, (r, given) => r["loadBalancer"]?.["route"]?.("s", 1, given)],
  [
    "a strategy",
    [0, {}, [], Symbol("s")],
    (r, strategy) => r["loadBalancer"]?.["route"]?.("s", 1, { strategy }),
  ],
  [
    "constraints",
    [null, 0],
    (r, constraints) => r["loadBalancer"]?.["route"]?.("s", 1, { constraints }),
  ],
  [
    "a child",
    [undefined, ...NO_OBJECTS],
    (r, child) => r["supervise"]?.("t", { children: [child] }),
  ],
  ["a filter", [...NO_OBJECTS, { prefx: "a" }], (r, filter) => r["select"]?.(filter)],
  ["a filter", [...NO_OBJECTS, { prefx: "a" }], (r, filter) => r["count"]?.(filter)],
  ["a prefix", [null, 0, {}, []], (r, prefix) => r["select"]?.({ prefix })],
  ["a predicate", NO_OBJECTS, (r, where) => r["count"]?.({ where })],
  ["options", [...NO_OBJECTS, { prefx: "a" }], (r, given) => r["watch"]?.(given)],
  ["a signal", [...NO_OBJECTS, {}], (r, signal) => r["watch"]?.({ signal })],
  ["a workload", [...NO_OBJECTS, { cpus: "low" }], (r, given) => r["bestNodeFor"]?.(given)],
  ["a need", [...NO_OBJECTS, {}], (r, cpu) => r["bestNodeFor"]?.({ cpu })],
  ["options", [...NO_OBJECTS, { dry: true }], (r, given) => r["rebalance"]?.(given)],
  ["peers", [...NO_OBJECTS, []], (r, only) => r["rebalance"]?.({ only })],
  [
    "a filter",
    [...NO_OBJECTS, { capabilites: ["v2"] }],
    (r, filter) => r["services"]?.["discover"]?.(filter),
  ],
  ["a load", [null, 0, {}, "low"], (r, cpu) => r["services"]?.["discover"]?.({ cpu })],
  ["options", NO_OBJECTS, (r, given) => r["services"]?.["discover"]?.({}, given)],
  [
    "an interval",
    [0, "9ms", null, -1],
    (r, healthInterval) => r["services"]?.["register"]?.("s", { healthInterval }),
  ],
  ["options", [...NO_OBJECTS, { workers: [] }], (r, given) => r["startEcosystem"]?.("e", given)],
  ["options", NO_OBJECTS, (r, given) => r["groups"]?.["join"]?.("g", undefined, given)],
  ["options", NO_OBJECTS, (r, given) => r["groups"]?.["multiCall"]?.("g", "x", 1, given)],
  ["a group", [undefined, null, 0, {}], (r, group) => r["groups"]?.["members"]?.(group)],
  ["a name", [undefined, null, 0, {}], (r, name) => r["lookup"]?.(name)],
  ["a backoff", NO_OBJECTS, (r, backoff) => r["supervise"]?.("t", { backoff })],
];

async function codeAfter(registry: Registry, operation: Operation, given: unknown) {
  const asked = async () => operation(registry as unknown as Loose & Record<string, Loose>, given);
  return codeOf(w.run(asked()));
}

describe("what is no", () => {
  for (const [index, [what, wrong, operation]] of OPERATIONS.entries()) {
    test(`${what.replace(/^an? /, "")} is refused with what was expected (${index + 1})`, async () => {
      const { registry } = w.at(0);
      const codes: string[] = [];
      for (const given of wrong) codes.push(await codeAfter(registry, operation, given));
      expect(codes).toEqual(wrong.map(() => "ERR_INVALID_ARGUMENT"));
      expect(registry.info().processes).toBe(0);
      expect(registry.services.names()).toEqual([]);
    });
  }
});

test("arguments that read like options are taken where the definition wants some, or options follow", async () => {
  const { registry } = w.at(0);
  const named = { name: "not-its-name", from: 1 };
  await w.run(registry.startProcess(counter, named));
  await w.run(registry.startProcess(other, { label: "x" }));
  const ref = await w.run(registry.startProcess(other, { name: "not-its-name" }, {}));
  expect(await w.run(ref.call("ping"))).toBe("pong");
  expect(registry.lookup("not-its-name")).toBeUndefined();
});

test("a reference, a pid, a node's id and a member are taken", async () => {
  const { registry } = w.at(0);
  const ref = await w.run(
    registry.startProcess(counter, { from: 1 }, { name: "c", distribute: true }),
  );
  const pid = ref.whereis();
  if (pid === undefined) throw new Error("it runs");
  await w.run(registry.register("by-ref", ref));
  await w.run(registry.register("by-pid", pid));
  await w.run(registry.groups.join("g", ref));
  expect(registry.groups.which(ref)).toEqual(["g"]);
  await w.advance(100);
  for (const { registry: each } of w.nodes) expect(each.groups.which(pid)).toEqual(["g"]);
  const member = w.nodes.map(({ port }) => port.membership.self).find(({ id }) => id !== pid.node);
  if (member === undefined) throw new Error("there are two");
  await w.run(registry.migrate(ref, { to: member }).done);
  await w.run(registry.migrate("c", { to: pid.node }).done);
  expect(ref.whereis()?.node).toBe(pid.node);
});
