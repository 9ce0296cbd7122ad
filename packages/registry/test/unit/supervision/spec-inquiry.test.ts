import { afterEach, expect, test } from "@jest/globals";
import { pinned } from "@foundation/core";
import {
  codeOf,
  counter,
  other,
  runningAt,
  world,
  type World,
  type WorldNode,
} from "../runtime/world.js";

const SPECS = "crdt.versioned.registry.children";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** Two nodes, of which the second hears of names and never of a child's spec. */
async function deafToSpecs(): Promise<{ readonly w: World; readonly deaf: WorldNode }> {
  const w = await world(2);
  open = w;
  const port = w.cluster.restart(1);
  const { messenger, broadcast } = port;
  const isDeaf = (subject: string) => subject.startsWith(SPECS);
  const deaf = w.boot(1, {
    messenger: {
      self: messenger.self,
      send: (...message) => messenger.send(...message),
      trySend: (...message) => messenger.trySend(...message),
      request: (...message) => messenger.request(...message),
      stream: (...message) => messenger.stream(...message),
      handle: (subject, handler) =>
        isDeaf(subject) ? () => undefined : messenger.handle(subject, handler),
      handleStream: (subject, handler) => messenger.handleStream(subject, handler),
    },
    broadcast: {
      publish: (...message) => broadcast.publish(...message),
      handle: (subject, handler) =>
        isDeaf(subject) ? () => undefined : broadcast.handle(subject, handler),
    },
  });
  await w.advance(100);
  return { w, deaf };
}

const options = { name: "one", distribute: true, ifRunning: "return" } as const;

test("a child of which only the name was heard is not lost for who was told that it runs", async () => {
  const { w, deaf } = await deafToSpecs();
  const placement = pinned(w.at(0).port.id);
  await w.run(w.at(0).registry.startProcess(counter, { from: 7 }, { ...options, placement }));
  await w.advance(100);
  expect(deaf.registry.lookup("one")?.pid.node).toBe(w.at(0).port.id);
  expect(deaf.registry.children()).toEqual([]);
  const ref = await w.run(deaf.registry.startProcess(counter, { from: 0 }, options));
  expect(deaf.registry.children()).toMatchObject([{ identity: "one", state: "running" }]);
  w.cluster.down(0);
  await w.advance(1_000);
  expect(runningAt(w, "one")).toEqual([1]);
  expect(await w.run(ref.call("total"))).toBe(7);
});

test("the node that runs it does not answer: then nobody is told that it runs", async () => {
  const { w, deaf } = await deafToSpecs();
  const placement = pinned(w.at(0).port.id);
  await w.run(w.at(0).registry.startProcess(counter, { from: 7 }, { ...options, placement }));
  await w.advance(100);
  const asked = codeOf(deaf.registry.startProcess(counter, { from: 0 }, options));
  w.cluster.down(0);
  expect(await w.run(asked)).toBe("ERR_OUTCOME_UNKNOWN");
  expect(deaf.registry.children()).toEqual([]);
});

test("a tree of which only the name was heard is found", async () => {
  const { w, deaf } = await deafToSpecs();
  const tree = { children: [{ id: "a", process: other }], on: w.at(0).port.id };
  await w.run(w.at(0).registry.supervise("tree", tree));
  await w.advance(100);
  const found = deaf.registry.supervise("tree", { ...tree, ifRunning: "return" });
  expect((await w.run(found)).name).toBe("tree");
});

test("a process without a spec is found by its name as ever", async () => {
  const { w, deaf } = await deafToSpecs();
  await w.run(w.at(0).registry.startProcess(counter, { from: 7 }, { name: "one" }));
  await w.advance(100);
  const ref = await w.run(deaf.registry.startProcess(counter, { from: 0 }, options));
  expect(await w.run(ref.call("total"))).toBe(7);
});
