import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess } from "@foundation/core";
import type { HealthAnswer, Registry, ServiceEvent } from "../../../src/index.js";
import { codeOf, world, type World } from "../runtime/world.js";

const greeter = defineProcess({
  name: "services.greeter",
  init: () => ({ count: 0 }),
  call: { greet: ({ state }, name: string) => `hello ${name} ${++state.count}` },
});

let open: World | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function start(...given: Parameters<typeof world>): Promise<World> {
  open = await world(...given);
  return open;
}

function at(w: World, place: number): Registry {
  return w.at(place).registry;
}

async function healthOf(w: World, place: number, name: string) {
  const found = await at(w, place).services.discover({ name, health: "any" });
  return found.map(({ health, note }) => (note === undefined ? health : `${health}: ${note}`));
}

describe("an instance", () => {
  test("is found by what it can do, here at once and elsewhere after the turn", async () => {
    const w = await start(2);
    const { services } = at(w, 0);
    services.register("api", { capabilities: ["v1"], labels: { tier: "gold" } });
    services.register("api", { capabilities: ["v1", "v2"], metadata: { port: 80 }, weight: 3 });
    services.register("db", { capabilities: ["v2"] });
    const count = async (place: number, filter: object) =>
      (await at(w, place).services.discover(filter)).length;
    expect(await count(0, { name: "api" })).toBe(2);
    expect(await count(1, {})).toBe(0);
    await w.advance(10);
    expect(await count(1, {})).toBe(3);
    expect(await count(1, { capability: "v2" })).toBe(2);
    expect(await count(1, { name: "api", capabilities: ["v1", "v2"] })).toBe(1);
    expect(await count(1, { labels: { tier: "gold" } })).toBe(1);
    expect(await count(1, { node: w.at(1).port.id })).toBe(0);
    expect(at(w, 1).services.names()).toEqual(["api", "db"]);
    const [second] = await at(w, 1).services.discover({ name: "api", capability: "v2" });
    expect(second).toMatchObject({ metadata: { port: 80 }, weight: 3, takesRequests: false });
  });

  test("can say something new of itself, and is gone when it is taken away or its node dies", async () => {
    const w = await start(2);
    const handle = at(w, 0).services.register("api", { capabilities: ["v1"], metadata: 1 });
    at(w, 0).services.register("other", {});
    handle.update({ capabilities: ["v2"] });
    await w.advance(10);
    const [instance] = await at(w, 1).services.discover({ name: "api" });
    expect(instance).toMatchObject({ id: handle.id, capabilities: ["v2"], metadata: 1 });
    await w.run(handle.deregister());
    await w.run(handle.deregister());
    expect(() => handle.update({ weight: 2 })).toThrow(
      expect.objectContaining({ code: "ERR_CLOSED" }),
    );
    await w.advance(10);
    expect(at(w, 1).services.names()).toEqual(["other"]);
    w.cluster.down(0);
    await w.advance(10);
    expect(at(w, 1).services.names()).toEqual([]);
  });

  test("is refused when it is described wrongly or there are too many", async () => {
    const w = await start(1, {}, { limits: { servicesMax: 1 } });
    const { services } = at(w, 0);
    const codeAt = (options: object, name = "api") => {
      try {
        services.register(name, options);
        return "none";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(codeAt({}, "")).toBe("ERR_NAME_INVALID");
    expect(codeAt({ weight: 0 })).toBe("ERR_INVALID_ARGUMENT");
    expect(codeAt({ capabilities: [1] })).toBe("ERR_INVALID_ARGUMENT");
    expect(codeAt({ handle: "text" })).toBe("ERR_INVALID_ARGUMENT");
    expect(codeAt({ rise: 0 })).toBe("ERR_INVALID_ARGUMENT");
    expect(codeAt({ metadata: () => undefined })).toBe("ERR_NOT_ENCODABLE");
    expect([codeAt({}), codeAt({})]).toEqual(["none", "ERR_QUEUE_FULL"]);
  });
});

describe("a cut", () => {
  test("hides the instances of the other side, and its end brings them back as they are then", async () => {
    const w = await start(3);
    const far = at(w, 2).services.register("api", { metadata: "before", handle: () => "far" });
    at(w, 0).services.register("api", { metadata: "near", handle: () => "near" });
    await w.advance(10);
    w.cluster.partition([2]);
    await w.advance(10);
    const metadata = async (place: number) =>
      (await at(w, place).services.discover({ name: "api" })).map((each) => each.metadata).sort();
    expect([await metadata(1), await metadata(2)]).toEqual([["near"], ["before"]]);
    far.update({ metadata: "after" });
    expect(await w.run(at(w, 1).loadBalancer.route("api", 0))).toBe("near");
    w.cluster.heal();
    await w.advance(30_000);
    for (const place of [0, 1, 2]) expect(await metadata(place)).toEqual(["after", "near"]);
    const answers = [0, 1].map(() =>
      w.run(at(w, 1).loadBalancer.route("api", 0, { strategy: "round-robin" })),
    );
    expect((await Promise.all(answers)).sort()).toEqual(["far", "near"]);
  });
});

describe("discover", () => {
  test("waits until there are as many as it was asked for", async () => {
    const w = await start(2);
    const waiting = at(w, 1).services.discover({ name: "api" }, { atLeast: 2, timeout: "1m" });
    at(w, 0).services.register("api", {});
    await w.advance(100);
    const late = at(w, 1).services.discover({ name: "api" }, { atLeast: 3, timeout: 500 });
    at(w, 0).services.register("api", {});
    expect(await w.run(waiting)).toHaveLength(2);
    expect(await codeOf(w.run(late))).toBe("ERR_TIMEOUT");
    const controller = new AbortController();
    const { signal } = controller;
    const given = at(w, 1).services.discover({ name: "api" }, { atLeast: 3, signal });
    controller.abort();
    expect(await codeOf(w.run(given))).toBe("ERR_ABORTED");
  });
});

describe("health", () => {
  test("is what several checks in a row say, and the first alone", async () => {
    const w = await start(2);
    let answer: HealthAnswer | Error = true;
    at(w, 0).services.register("api", {
      health: () => {
        if (answer instanceof Error) throw answer;
        return answer;
      },
      healthInterval: "1s",
    });
    expect(await healthOf(w, 0, "api")).toEqual(["starting"]);
    await w.advance(10);
    expect(await healthOf(w, 1, "api")).toEqual(["healthy"]);
    answer = new Error("no disk");
    await w.advance(2_500);
    expect(await healthOf(w, 1, "api")).toEqual(["healthy: no disk"]);
    await w.advance(1_100);
    expect(await healthOf(w, 1, "api")).toEqual(["unhealthy: no disk"]);
    expect(await at(w, 1).services.discover({ name: "api" })).toEqual([]);
    answer = { healthy: true, note: "warming up" };
    await w.advance(1_100);
    expect(await healthOf(w, 1, "api")).toEqual(["unhealthy: warming up"]);
    await w.advance(1_100);
    expect(await healthOf(w, 1, "api")).toEqual(["healthy: warming up"]);
  });

  test("a check that does not answer has failed, and no second one is begun beside it", async () => {
    const w = await start(1);
    let checks = 0;
    at(w, 0).services.register("api", {
      health: () => {
        checks += 1;
        return new Promise<boolean>(() => undefined);
      },
      healthInterval: "1s",
      healthTimeout: 100,
    });
    await w.advance(10_000);
    expect(checks).toBe(1);
    expect(await healthOf(w, 0, "api")).toEqual(["unhealthy: it has not answered within 100 ms"]);
  });

  test("is told whatever the note of a check: a long one is cut, and one there is no room for left out", async () => {
    const w = await start(2);
    const answers: HealthAnswer[] = [];
    const health = () => answers[0] ?? true;
    const fall = 1;
    const handle = at(w, 0).services.register("api", { health, healthInterval: 100, fall });
    await w.advance(200);
    answers[0] = { healthy: false, note: "x".repeat(1_000_000) };
    await w.advance(300);
    expect(await healthOf(w, 1, "api")).toEqual([`unhealthy: ${"x".repeat(500)}`]);
    answers[0] = { healthy: true };
    await w.advance(300);
    const roomLess = 65_536 - 250;
    handle.update({ metadata: "m".repeat(roomLess) });
    answers[0] = { healthy: false, note: "y".repeat(500) };
    await w.advance(300);
    expect(await healthOf(w, 1, "api")).toEqual(["unhealthy"]);
  });

  test("checks end with the instance", async () => {
    const w = await start(1);
    let checks = 0;
    const health = () => ++checks > 0;
    const handle = at(w, 0).services.register("api", { health, healthInterval: "1s" });
    await w.advance(2_500);
    const before = checks;
    await w.run(handle.deregister());
    await w.advance(10_000);
    expect([before, checks]).toEqual([3, 3]);
  });
});

describe("a process as a service", () => {
  test("answers by its handler, from any node", async () => {
    const w = await start(2);
    const ref = await w.run(at(w, 0).startProcess(greeter, undefined));
    at(w, 0).services.register("greeter", { process: { ref, handler: "greet" } });
    await w.advance(10);
    const route = () => w.run(at(w, 1).loadBalancer.route("greeter", "ann"));
    expect([await route(), await route()]).toEqual(["hello ann 1", "hello ann 2"]);
  });

  test("is unhealthy while it runs nowhere, and a request then says that nothing ran", async () => {
    const w = await start(1);
    const options = { name: "hi" };
    const ref = await w.run(at(w, 0).startProcess(greeter, undefined, options));
    at(w, 0).services.register("greeter", {
      process: { ref, handler: "greet" },
      healthInterval: "1s",
      fall: 1,
    });
    const route = () => w.run(at(w, 0).loadBalancer.route("greeter", "ann"));
    await w.advance(10);
    expect(await route()).toBe("hello ann 1");
    await w.run(ref.stop());
    expect(await codeOf(route())).toBe("ERR_NO_PROCESS");
    await w.advance(1_500);
    expect(await codeOf(route())).toBe("ERR_ALL_INSTANCES_OUT");
    await w.run(at(w, 0).startProcess(greeter, undefined, options));
    await w.advance(3_000);
    expect(await route()).toBe("hello ann 1");
  });
});

test("a watcher is told of the present instances and of every change", async () => {
  const w = await start(2);
  const first = at(w, 0).services.register("api", { metadata: "first" });
  await w.advance(10);
  const controller = new AbortController();
  const events: string[] = [];
  const follow = async () => {
    const { signal } = controller;
    const stream: AsyncIterable<ServiceEvent> = at(w, 1).services.watch({ name: "api", signal });
    for await (const { type, instance } of stream) {
      events.push(`${type} ${String(instance.metadata)}`);
    }
  };
  const following = follow();
  at(w, 0).services.register("api", { metadata: "second" });
  at(w, 0).services.register("db", { metadata: "unwatched" });
  first.update({ metadata: "changed" });
  await w.advance(10);
  await w.run(first.deregister());
  await w.advance(10);
  controller.abort();
  await w.run(following);
  expect(events).toEqual([
    "registered first",
    "registered second",
    "updated changed",
    "deregistered changed",
  ]);
});
