/**
 * A hostile or clumsy user of the handle: values that cannot be sent, names that cannot be names,
 * handlers that misbehave. Each ends in a typed error; two good nodes go on calling each other
 * meanwhile.
 */
import { describe, expect, test } from "@jest/globals";
import { defineProcess, type Cluster } from "@foundation/foundation";
import { startNode, startNodes, uniqueName } from "../support/clusters.js";
import { counter } from "../support/definitions.js";
import { eventually, pairUnderLoad, refusalOf } from "../support/undisturbed.js";

class Money {
  constructor(readonly cents: number) {}
}
const cycle: Record<string, unknown> = {};
cycle["self"] = cycle;
let deep: unknown = 0;
for (let i = 0; i < 10_000; i += 1) deep = [deep];

const unsendable: [string, unknown][] = [
  ["a function", () => 5],
  ["a cycle", cycle],
  ["an instance of a class", new Money(5)],
  ["a symbol", Symbol("s")],
  ["a promise", Promise.resolve(1)],
  ["a value nested 10,000 deep", deep],
  ["a getter that throws", Object.defineProperty({}, "x", { enumerable: true, get: throwing })],
  ["a proxy that throws", new Proxy({}, { ownKeys: throwing, get: throwing })],
];

function throwing(): never {
  throw new Error("a trap");
}

/** Takes anything and gives whatever it is told to. */
const echo = defineProcess({
  name: "acceptance.echo",
  init: (args: unknown) => ({ args }),
  call: {
    echo: (_context, value: unknown) => value,
    gives: (_context, index: number) => unsendable[index]?.[1],
    size: (_context, value: { bytes: Uint8Array }) => value.bytes.length,
    makes: (_context, bytes: number) => new Uint8Array(bytes),
  },
  cast: { take: (_context, _value: unknown) => {} },
});

const startOn = (from: Cluster, to: Cluster, name: string) =>
  from.startProcess(echo, null, { name, on: to.self.id, distribute: true, wait: "visible" });

describe("what cannot be encoded", () => {
  test.each(unsendable)(
    "%s is refused by call, cast, send, start, publish and register alike, near and far",
    async (_what, value) => {
      const pair = await pairUnderLoad();
      const [a, b] = [pair.a.cluster, pair.b.cluster];
      for (const [name, host] of [
        ["near", a],
        ["far", b],
      ] as const) {
        const ref = await startOn(a, host, name);
        const attempts = [
          () => ref.call("echo", value),
          () => ref.cast("take", value),
          () => ref.send(value),
          () => a.send(name, value),
          () => a.registry.register(`${name}-meta`, ref, { meta: value }),
        ];
        for (const attempt of attempts) {
          expect(await refusalOf(attempt)).toMatchObject({ code: "ERR_NOT_ENCODABLE" });
        }
        expect(await ref.call("echo", 1)).toBe(1);
      }
      const publish = () => a.pubsub.publish("acceptance.any", value);
      expect(await refusalOf(publish)).toMatchObject({ code: "ERR_NOT_ENCODABLE" });
      for (const options of [{}, { distribute: true }, { on: b.self.id }]) {
        const start = () => a.startProcess(echo, value, { name: "never", ...options });
        expect(await refusalOf(start)).toMatchObject({ code: "ERR_NOT_ENCODABLE" });
      }
      expect(a.registry.lookup("never")).toBeUndefined();
      await pair.undisturbed();
    },
  );

  test("as a reply is an error of its caller, and the process and its node go on", async () => {
    const pair = await pairUnderLoad();
    const [a, b] = [pair.a.cluster, pair.b.cluster];
    const refs = [await startOn(a, a, "near"), await startOn(a, b, "far")];
    for (const ref of refs) {
      for (const [index, [what]] of unsendable.entries()) {
        if (what === "a promise") continue;
        const failed = await refusalOf(() => ref.call("gives", index, { timeout: "2s" }));
        // Already looking whether the proxy is a promise throws: that is the handler's crash.
        const code = what === "a proxy that throws" ? "ERR_HANDLER_FAILED" : "ERR_NOT_ENCODABLE";
        expect([what, failed.code]).toEqual([what, code]);
      }
      await eventually("it is back", () => ref.whereis() !== undefined);
      expect(await ref.call("echo", "well")).toBe("well");
    }
    await pair.undisturbed();
  });
});

describe("large payloads", () => {
  test("of 70 MB are refused with their size and the limit, those of 1 and 20 arrive, and the link survives", async () => {
    const pair = await pairUnderLoad();
    const [a, b] = [pair.a.cluster, pair.b.cluster];
    const ref = await startOn(a, b, "far");
    const subscription = b.pubsub.subscribe("acceptance.large");
    await subscription.ready();
    const tooLarge = new Uint8Array(70 * 1024 * 1024);
    const attempts = [
      () => ref.call("size", { bytes: tooLarge }),
      () => ref.cast("take", { bytes: tooLarge }),
      () => a.send("far", { bytes: tooLarge }),
      () => a.pubsub.publish("acceptance.large", { bytes: tooLarge }),
    ];
    for (const attempt of attempts) {
      const refused = await refusalOf(attempt);
      expect(refused.code).toBe("ERR_MESSAGE_TOO_LARGE");
      expect(refused.message).toMatch(/\d+ bytes/);
    }
    const reply = refusalOf(() => ref.call("makes", tooLarge.length, { timeout: "5s" }));
    expect(await reply).toMatchObject({ code: "ERR_MESSAGE_TOO_LARGE" });
    for (const megabytes of [1, 1.1, 20]) {
      const bytes = new Uint8Array(megabytes * 1024 * 1024);
      expect(await ref.call("size", { bytes }, { timeout: "10s" })).toBe(bytes.length);
    }
    await pair.undisturbed();
  });

  test("as arguments of a distributed process are refused, and nothing is left of the start", async () => {
    const pair = await pairUnderLoad();
    const bytes = new Uint8Array(2 * 1024 * 1024);
    for (const host of [pair.a.cluster, pair.b.cluster]) {
      const options = { name: "large", distribute: true, on: host.self.id };
      const start = () => pair.a.cluster.startProcess(echo, { bytes }, options);
      expect((await refusalOf(start)).code).toMatch(/ERR_(MESSAGE|VALUE)_TOO_LARGE/);
    }
    await pair.a.cluster.startProcess(echo, null, { name: "large", distribute: true });
    await pair.undisturbed();
  });
});

describe("names", () => {
  test.each([
    "__proto__",
    "constructor",
    "ä",
    "日本",
    "👩‍👩‍👧",
    "a b",
    "x".repeat(255),
    "..",
    "a/b\\c",
    "\n",
    "%00",
  ])("%j is a name like any other", async (name) => {
    const [a, b] = await startNodes(2);
    await a!.cluster.startProcess(
      counter,
      { from: 3 },
      { name, distribute: true, wait: "visible" },
    );
    expect(await b!.cluster.process(counter, name).call("total")).toBe(3);
    expect(b!.cluster.registry.lookup(name)).toMatchObject({ name });
  });

  test.each([
    ["empty", ""],
    ["256 bytes long", "x".repeat(256)],
    ["reserved", "$mine"],
    ["a lone surrogate", "\ud800"],
    ["no string", 7],
  ])("one that is %s is refused everywhere with ERR_NAME_INVALID", async (_what, name) => {
    const { cluster } = await startNode({ name: uniqueName() });
    const bad = name as string;
    const ref = await cluster.startProcess(counter, { from: 0 }, { name: "good" });
    const attempts = [
      () => cluster.startProcess(counter, { from: 0 }, { name: bad }),
      () => cluster.startProcess(counter, { from: 0 }, { name: bad, distribute: true }),
      ...(bad === "$mine" ? [] : [() => cluster.process(counter, bad), () => cluster.send(bad, 1)]),
      () => cluster.registry.register(bad, ref),
    ];
    for (const attempt of attempts) {
      expect(await refusalOf(attempt)).toMatchObject({ code: "ERR_NAME_INVALID" });
    }
  });

  test.each(["", " ", "a..b", ".", "a.*", ">", "x".repeat(513), "a\u0000b", 7])(
    "%j is no topic to publish to: ERR_TOPIC_INVALID",
    async (topic) => {
      const { cluster } = await startNode({ name: uniqueName() });
      const publish = () => cluster.pubsub.publish(topic as string, 1);
      expect(await refusalOf(publish)).toMatchObject({ code: "ERR_TOPIC_INVALID" });
    },
  );

  test("a topic called __proto__ or constructor reaches its subscribers and no others", async () => {
    const [a, b] = await startNodes(2);
    for (const topic of ["__proto__", "constructor", "a.__proto__.b"]) {
      const subscription = b!.cluster.pubsub.subscribe(topic);
      await subscription.ready();
      a!.cluster.pubsub.publish(topic, topic);
      for await (const { data } of subscription) {
        expect(data).toBe(topic);
        break;
      }
    }
  });
});

describe("processes", () => {
  test("nobody defines are refused by name, here and on another node", async () => {
    const pair = await pairUnderLoad();
    const ghost = { ...counter, name: "acceptance.ghost" } as typeof counter;
    for (const options of [{}, { distribute: true }, { on: pair.b.cluster.self.id }]) {
      const start = () =>
        pair.a.cluster.startProcess(ghost, { from: 0 }, { name: "ghost", ...options });
      expect(await refusalOf(start)).toMatchObject({
        code: "ERR_PROCESS_UNDEFINED",
        message: expect.stringContaining("acceptance.counter"),
      });
    }
    await pair.undisturbed();
  });

  test("whose handler throws what is no error, or never returns, cost their caller only", async () => {
    const pair = await pairUnderLoad();
    for (const host of [pair.a.cluster, pair.b.cluster]) {
      const name = `odd-${host.self.name}`;
      const options = { name, on: host.self.id, distribute: true, wait: "visible" } as const;
      const ref = await pair.a.cluster.startProcess(odd, null, options);
      for (const what of ["null", "object", "proxy"] as const) {
        const failed = await refusalOf(() => ref.call("throws", what, { timeout: "2s" }));
        expect([what, failed.code]).toEqual([what, "ERR_HANDLER_FAILED"]);
        await eventually("it is back", () => ref.whereis() !== undefined);
      }
      const hung = () => ref.call("hangs", undefined, { timeout: "100ms" });
      expect(await refusalOf(hung)).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    }
    await pair.undisturbed();
  });

  test("a call with a nonsensical timeout, a fired signal or a foreign node is refused, typed", async () => {
    const pair = await pairUnderLoad();
    const ref = pair.a.cluster.process(counter, "load-b");
    for (const timeout of [-1, Number.NaN, "soon", "5 parsecs", {}, Infinity]) {
      const call = () => ref.call("total", undefined, { timeout: timeout as never });
      expect(await refusalOf(call)).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
    const call = () => ref.call("total", undefined, { signal: AbortSignal.abort() });
    expect(await refusalOf(call)).toMatchObject({ code: "ERR_ABORTED" });
    const start = () =>
      pair.a.cluster.startProcess(counter, { from: 0 }, { on: "nowhere" as never });
    expect(await refusalOf(start)).toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    await pair.undisturbed();
  });
});

const odd = defineProcess({
  name: "acceptance.odd",
  init: () => ({}),
  call: {
    throws: (_context, what: "null" | "object" | "proxy") => {
      const thrown = { null: null, object: { code: 7 }, proxy: new Proxy({}, { get: throwing }) };
      throw thrown[what];
    },
    hangs: () => new Promise<never>(() => {}),
  },
});
