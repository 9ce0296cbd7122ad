/** Callers without types give anything: it is taken or refused with an error of ours, and no operation trips over it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { isFoundationError } from "@foundation/core";
import type { Ecosystem, Registry, ServiceHandle, SupervisorRef } from "../../src/index.js";
import { counter, other, world, type World } from "../unit/runtime/world.js";

const ANYTHING: readonly unknown[] = [
  ...[null, undefined, 0, -1, Number.NaN, 10n, true, "", "x", Symbol("s"), () => 1],
  ...[{}, [], [null], { a: { b: null } }, Object.create(null) as unknown, new Date(0), new Map()],
];

type Loose = (...given: readonly unknown[]) => unknown;
type Face<Methods extends string> = Readonly<Record<Methods, Loose>>;

interface Things {
  readonly registry: Registry;
  readonly to: string;
  readonly tree: SupervisorRef;
  readonly ecosystem: Ecosystem;
  readonly service: ServiceHandle;
}

/** An operation, what it is given where all is well, and the options among that. */
type Operation = readonly [
  name: string,
  run: (things: Things) => Loose,
  given: (things: Things, nth: number) => readonly unknown[],
  options?: readonly string[],
];

const of =
  <Methods extends string>(get: (things: Things) => unknown, method: Methods) =>
  (things: Things): Loose => {
    const face = get(things) as Face<Methods>;
    return (...given) => face[method](...given);
  };
const registry = (method: string) => of(({ registry }) => registry, method);
const groups = (method: string) => of(({ registry }) => registry.groups, method);
const services = (method: string) => of(({ registry }) => registry.services, method);
const balancer = (method: string) => of(({ registry }) => registry.loadBalancer, method);
const tree = (method: string) => of(({ tree }) => tree, method);
const ref = (things: Things) => things.registry.process(counter, "c");
const TIME = ["timeout", "signal"];
const FIT = ["cpu", "memory", "capability", "capabilities", "labels", "node", "zone"];
const PLACED = ["on", "constraints", "restart", "distribute", "consistency", "partition"];
const FILTER = ["prefix", "definition", "node", "where"];
const DESCRIPTION = ["capabilities", "metadata", "weight", "zone", "labels"];
const RUNNING = ["handle", "process", "health", "healthInterval", "healthTimeout", "rise", "fall"];
const POLICY = ["strategy", "children", "maxRestarts", "within", "backoff", "maxChildren"];

/** The options are those of what is given last. */
const OPERATIONS: readonly Operation[] = [
  [
    "startProcess",
    registry("startProcess"),
    () => [counter, { from: 1 }, {}],
    [...["name", "placement", "wait", "ifRunning"], ...PLACED, ...TIME],
  ],
  ["process", registry("process"), () => [counter, "c"]],
  [
    "register",
    registry("register"),
    (t, nth) => [`n${nth}`, ref(t), {}],
    ["meta", "keys", "wait", ...TIME],
  ],
  ["update", registry("update"), () => ["c", 1]],
  ["unregister", registry("unregister"), () => ["z", {}], ["keys", "process", ...TIME]],
  ["lookup", registry("lookup"), () => ["c"]],
  ["lookupAll", registry("lookupAll"), () => ["c"]],
  ["select", registry("select"), () => [{}], FILTER],
  ["count", registry("count"), () => [{}], FILTER],
  ["watch", registry("watch"), () => [{}], ["prefix", "signal"]],
  ["send", registry("send"), () => ["c", 1, {}], ["to"]],
  ["bestNodeFor", registry("bestNodeFor"), () => [{}], ["cpu", "memory", "role", "labels", "for"]],
  [
    "rebalance",
    ({ registry }) =>
      (options) =>
        registry.rebalance(options as never).done,
    () => [{ dryRun: true }],
    ["maxMoves", "rate", "tolerance", "dryRun", "only", "moveTimeout", "signal"],
  ],
  ["visible", registry("visible"), () => [{}], TIME],
  [
    "migrate",
    ({ registry }) =>
      (...given) =>
        registry.migrate(...(given as [never, never])).done,
    ({ to }) => ["nobody", { to }],
    ["to", ...TIME],
  ],
  [
    "supervise",
    registry("supervise"),
    (_, nth) => [`t${nth}`, { children: [] }],
    [...POLICY, "on", "partition", "ifRunning", "onProgress", ...TIME],
  ],
  [
    "a child",
    tree("startChild"),
    (_, nth) => [{ id: `x${nth}`, process: other }],
    ["args", "shutdown", "supervisor", "id", "process", ...PLACED],
  ],
  ["supervisor", registry("supervisor"), () => ["tree"]],
  ["supervisor of a tree", tree("supervisor"), () => ["a"]],
  ["process of a tree", tree("process"), () => [other, "a"]],
  ["startChild", tree("startChild"), (_, nth) => [{ id: `y${nth}`, process: other }, {}], TIME],
  ["endChild", tree("endChild"), () => ["zz", {}], TIME],
  ["restartChild", tree("restartChild"), () => ["zz", {}], TIME],
  ["watch of a tree", tree("watch"), () => [{}], ["signal"]],
  [
    "startEcosystem",
    registry("startEcosystem"),
    (_, nth) => [`e${nth}`, { coordinator: other, workers: [] }],
    [
      ...["coordinator", "workers", "topology", "branching", "faultTolerance", "placement"],
      "onProgress",
      ...TIME,
    ],
  ],
  [
    "a worker",
    ({ registry }) =>
      (nth, worker) =>
        registry.startEcosystem(
          nth as string,
          {
            coordinator: other,
            workers: [worker],
          } as never,
        ),
    (_, nth) => [`w${nth}`, { process: other, count: 1 }],
    ["process", "args", "on", "constraints", "count"],
  ],
  ["ecosystem", registry("ecosystem"), () => ["eco", other]],
  ["scale", of((t) => t.ecosystem, "scale"), () => [counter, 1, {}], ["onProgress", ...TIME]],
  ["groups.join", groups("join"), (t) => ["g", ref(t), {}], ["meta", ...TIME]],
  ["groups.leave", groups("leave"), (t) => ["g2", ref(t), {}], TIME],
  ["groups.members", groups("members"), () => ["g"]],
  ["groups.localMembers", groups("localMembers"), () => ["g"]],
  ["groups.which", groups("which"), (t) => [ref(t)]],
  ["groups.publish", groups("publish"), () => ["g", 1]],
  ["groups.cast", groups("cast"), () => ["g", "add", 1]],
  ["groups.multiCall", groups("multiCall"), () => ["g", "add", 1, {}], TIME],
  ["groups.watch", groups("watch"), () => ["g", {}], ["signal"]],
  [
    "services.register",
    services("register"),
    (_, nth) => [`s${nth}`, {}],
    [...DESCRIPTION, ...RUNNING, "concurrency", "idempotent"],
  ],
  ["services.discover", services("discover"), () => [{}], ["name", "health", ...FIT]],
  ["how to discover", services("discover"), () => [{}, {}], ["atLeast", ...TIME]],
  ["services.watch", services("watch"), () => [{}], ["name", "signal"]],
  ["update of a service", of((t) => t.service, "update"), () => [{}], DESCRIPTION],
  [
    "loadBalancer.route",
    balancer("route"),
    () => ["api", 1, {}],
    ["strategy", "key", "constraints", "retries", ...TIME],
  ],
  [
    "constraints of a request",
    ({ registry }) =>
      (constraints) =>
        registry.loadBalancer.route("api", 1, { constraints: constraints as never }),
    () => [{}],
    FIT,
  ],
  ["loadBalancer.explain", balancer("explain"), () => ["api", {}], ["constraints"]],
  ["loadBalancer.watch", balancer("watch"), () => [{}], ["signal"]],
  ["call", of(ref, "call"), () => ["total", undefined, {}], TIME],
  ["cast", of(ref, "cast"), () => ["add", 1]],
  ["send by reference", of(ref, "send"), () => [1]],
  ["monitor", of(ref, "monitor"), () => [() => undefined]],
  ["stop", of(({ registry }) => registry.process(counter, "nobody"), "stop"), () => [{}], TIME],
];

let w: World;
let things: Things;
beforeAll(async () => {
  w = await world(2);
  const { registry } = w.at(0);
  await w.run(registry.startProcess(counter, { from: 1 }, { name: "c", distribute: true }));
  const workers = [{ process: counter, args: { from: 1 }, count: 1 }];
  things = {
    registry,
    to: w.at(1).port.id,
    tree: await w.run(registry.supervise("tree", { children: [{ id: "a", process: other }] })),
    ecosystem: (await w.run(
      registry.startEcosystem("eco", { coordinator: other, workers }),
    )) as unknown as Ecosystem,
    service: registry.services.register("api", { handle: (request) => request }),
  };
});
afterAll(() => w.close());

/** What became of it: nothing that is to be said of, or the error that is not one of ours. */
async function flawOf(what: string, operation: () => unknown): Promise<readonly string[]> {
  try {
    const value = await w.run((async () => operation())());
    // A stream that nobody reads would be kept.
    await (value as Partial<AsyncIterator<unknown>> | undefined)?.return?.();
    return [];
  } catch (error) {
    return isFoundationError(error) ? [] : [`${what}: ${String(error)}`];
  }
}

test.each(OPERATIONS)(
  "%s takes or refuses whatever it is given",
  async (name, run, given, options = []) => {
    const flaws: string[] = [];
    let nth = 0;
    const attempt = async (what: string, change: (usual: unknown[]) => void) => {
      const usual = [...given(things, (nth += 1))];
      change(usual);
      flaws.push(...(await flawOf(`${name}, ${what}`, () => run(things)(...usual))));
    };
    const last = given(things, 0).length - 1;
    for (const [index, anything] of ANYTHING.entries()) {
      for (let at = 0; at <= last; at++) {
        await attempt(`argument ${at}, value ${index}`, (usual) => (usual[at] = anything));
      }
      for (const option of options) {
        await attempt(`option ${option}, value ${index}`, (usual) => {
          usual[last] = { ...(usual[last] as object), [option]: anything };
        });
      }
    }
    expect(flaws).toEqual([]);
  },
);
