/** Links in a core world: they come up, keep order, hold back what a cut holds, and end on both sides. */
import { describe, expect, test } from "@jest/globals";
import { createCoreWorld, quietConditions, type CoreHost } from "@foundation/testkit";
import { Post, type Order } from "./post.js";

function worldOf(seed = 1, nodes = 2) {
  return createCoreWorld({
    seed,
    nodes,
    transport: "streams",
    conditions: { ...quietConditions, latencyMs: 1, jitterMs: 30 },
    create: (host: CoreHost<Order, string, string>) => new Post(host, []),
  });
}

const send = (to: number, text: string): Order => ({ type: "send", to, text });
const dial = (to: number): Order => ({ type: "dial", to });

/** Two nodes with a link, and nothing in their logs. */
function linked(seed = 1) {
  const world = worldOf(seed);
  world.input(0, dial(1));
  world.run("1s");
  for (const { core } of world.nodes) core.log.length = 0;
  return world;
}

const logs = (world: ReturnType<typeof worldOf>) => world.nodes.map(({ core }) => core.log);

describe("a link", () => {
  test("comes up on both sides, and only then takes messages", () => {
    const world = worldOf();
    world.input(0, send(1, "too early"));
    world.input(0, dial(1));
    world.run("1s");
    expect(logs(world)).toEqual([
      ["start", "not sent too early", "up 1/1"],
      ["start", "up 0/1"],
    ]);
  });

  test("keeps the order of what is sent, both ways", () => {
    const world = linked();
    for (let n = 0; n < 30; n += 1) {
      world.input(0, send(1, String(n)));
      world.input(1, send(0, String(n)));
    }
    world.run("1s");
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    expect(world.node(1).core.log).toEqual(numbers.map((n) => `${n} from 0/1`));
    expect(world.node(0).core.log).toEqual(numbers.map((n) => `${n} from 1/1`));
  });

  test("is one, whoever dials and however often", () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const world = worldOf(seed);
      for (const delayMs of [0, 3, 40]) {
        world.at(delayMs, () => {
          world.input(0, dial(1));
          world.input(1, dial(0));
        });
      }
      world.run("1s");
      for (const log of logs(world)) {
        expect(log.filter((text) => text.startsWith("up"))).toHaveLength(1);
        expect(log.filter((text) => text.startsWith("down"))).toEqual([]);
      }
    }
  });

  test("that is hung up ends here at once and there behind what was sent", () => {
    const world = linked();
    world.input(0, send(1, "last"));
    world.input(0, { type: "hang-up", to: 1 });
    world.input(0, send(1, "too late"));
    world.run("1s");
    expect(logs(world)).toEqual([
      ["not sent too late", "down 1/1 closed"],
      ["last from 0/1", "down 0/1 closed"],
    ]);
  });

  test("that is reset is lost on both sides", () => {
    const world = linked();
    world.reset(0, 1);
    expect(logs(world)).toEqual([["down 1/1 lost"], ["down 0/1 lost"]]);
  });

  test("that is half-open takes messages until the other end says that it knows of none", () => {
    const world = linked();
    world.reset(0, 1, { half: true });
    world.run("1m");
    expect(logs(world)).toEqual([[], ["down 0/1 lost"]]);
    world.input(0, send(1, "into nothing"));
    world.run("1s");
    expect(logs(world)).toEqual([["down 1/1 lost"], ["down 0/1 lost"]]);
  });
});

describe("a cut", () => {
  test("holds back what is sent, and loses nothing", () => {
    const world = linked();
    world.input(0, send(1, "on its way"));
    world.partition([0], [1]);
    for (const text of ["a", "b"]) world.input(0, send(1, text));
    world.run("1m");
    expect(logs(world)).toEqual([[], []]);
    world.heal();
    // Sent after the heal, and behind what the cut still holds.
    world.input(0, send(1, "c"));
    world.run("1s");
    const texts = ["on its way", "a", "b", "c"];
    expect(logs(world)).toEqual([[], texts.map((text) => `${text} from 0/1`)]);
  });

  test("of one direction lets the other through", () => {
    const world = linked();
    world.partition([0], [1], { oneWay: true });
    world.input(0, send(1, "there"));
    world.input(1, send(0, "back"));
    world.run("1s");
    expect(logs(world)).toEqual([["back from 1/1"], []]);
  });

  test("holds the news of an end as well", () => {
    const world = linked();
    world.partition([0], [1]);
    world.crash(1);
    world.run("1m");
    expect(world.node(0).core.log).toEqual([]);
    world.heal();
    world.run("1s");
    expect(world.node(0).core.log).toEqual(["down 1/1 lost"]);
  });

  test("lets a dial fail after the timeout", () => {
    const world = worldOf();
    world.partition([0], [1]);
    world.input(0, dial(1));
    world.run(2_999);
    expect(world.node(0).core.log).toEqual(["start"]);
    world.run(1);
    expect(world.node(0).core.log).toEqual(["start", "dial 1 timeout"]);
  });
});

describe("an end", () => {
  test("of the process closes its links and refuses dials", () => {
    const world = linked();
    world.crash(1);
    world.run("1s");
    expect(world.node(0).core.log).toEqual(["down 1/1 lost"]);
    world.input(0, dial(1));
    world.run("1s");
    expect(world.node(0).core.log).toEqual(["down 1/1 lost", "dial 1 refused"]);
  });

  test("of the power tells nobody, until somebody asks the host that is back", () => {
    const world = linked();
    world.crash(1, { kind: "power" });
    world.input(0, send(1, "to nobody"));
    world.run("1m");
    expect(world.node(0).core.log).toEqual([]);
    world.restart(1);
    world.input(0, send(1, "to a stranger"));
    world.run("1s");
    expect(logs(world)).toEqual([["down 1/1 lost"], ["start"]]);
  });

  test("is known before the link of the next boot is up", () => {
    const world = linked();
    world.crash(1, { kind: "power" });
    world.restart(1);
    world.input(1, dial(0));
    world.run("1s");
    expect(logs(world)).toEqual([
      ["down 1/1 lost", "up 1/2"],
      ["start", "up 0/1"],
    ]);
  });

  test("of a pause lets a dial through that waited for it", () => {
    const world = worldOf();
    world.pause(1);
    world.input(0, dial(1));
    world.run("1s");
    world.resume(1);
    world.run("1s");
    expect(logs(world)).toEqual([
      ["start", "up 1/1"],
      ["start", "up 0/1"],
    ]);
  });
});
