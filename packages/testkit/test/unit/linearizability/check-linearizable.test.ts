import { describe, expect, test } from "@jest/globals";
import {
  checkLinearizable,
  counterModel,
  registerModel,
  type CounterInput,
  type HistoryOperation,
  type SequentialModel,
} from "../../../src/index.js";
import { simulatedRegister, type RegisterOperation, type Value } from "./simulated-register.js";

const register = registerModel<Value>(null);

function at(
  startedAt: number,
  endedAt: number,
  input: RegisterOperation["input"],
  output?: Value | boolean,
): RegisterOperation {
  return { process: "p", key: "x", input, output, startedAt, endedAt };
}

const read = { type: "read" } as const;
const write = (value: number) => ({ type: "write", value }) as const;

/** Many adds of different amounts, and a read that needs a sum of some of them that there is not: hard by nature. */
function subsetSum(): HistoryOperation<CounterInput, number>[] {
  const adds = Array.from({ length: 24 }, (_, index) => ({
    process: index,
    key: "sum",
    input: { type: "add", amount: 2 ** (index % 12) * 2 + index * 10_000 } as const,
    startedAt: 0,
    endedAt: Number.POSITIVE_INFINITY,
  }));
  const get = { process: "r", key: "sum", input: { type: "get" } as const, output: 1 };
  return [...adds, { ...get, startedAt: 1, endedAt: 2 }];
}

describe("an order that was found", () => {
  test("has every answered operation once, and those overwritten at once right before that", async () => {
    const first = at(0, 9, write(1));
    const second = at(1, 8, write(2));
    const third = at(2, 7, write(3));
    const last = at(10, 11, read, 3);
    const result = await checkLinearizable([first, second, third, last], register);
    const order = result.ok ? result.linearization.get("x") : undefined;
    expect(order).toHaveLength(4);
    expect(order?.slice(-2)).toEqual([third, last]);
    expect(new Set(order)).toEqual(new Set([first, second, third, last]));
  });

  test("leaves out operations without an answer that explain nothing", async () => {
    const seen = at(0, Number.POSITIVE_INFINITY, write(1));
    const unseen = at(0, Number.POSITIVE_INFINITY, write(2));
    const result = await checkLinearizable([seen, unseen, at(5, 6, read, 1)], register);
    expect(result.ok && result.linearization.get("x")).toEqual([seen, at(5, 6, read, 1)]);
  });

  test("takes an answer that says nothing for any answer", async () => {
    const unsaid = at(2, 3, { type: "compareAndSet", expected: 1, value: 2 });
    const good = [at(0, 1, write(1)), unsaid, at(4, 5, read, 2)];
    const bad = [at(0, 1, write(1)), unsaid, at(4, 5, read, 1)];
    expect((await checkLinearizable(good, register)).ok).toBe(true);
    expect((await checkLinearizable(bad, register)).ok).toBe(false);
  });
});

describe("what is said of a wrong history", () => {
  const wrong = [
    at(0, 1, write(1)),
    at(2, 3, read, 1),
    at(4, 5, write(2)),
    at(6, 7, read, 2),
    at(8, 9, read, 1),
    at(10, 11, write(3)),
  ];

  test("names the answer that is too much, and an order up to there", async () => {
    const result = await checkLinearizable(wrong, register);
    expect(result).toMatchObject({ ok: false, key: "x" });
    if (result.ok !== false) return;
    expect(result.partial).toEqual(wrong.slice(0, 4));
    expect(result.unplaced).toEqual([wrong[4]]);
  });

  test("shows only answers that contradict one another", async () => {
    const result = await checkLinearizable(wrong, register);
    expect(result.ok === false && result.contradiction).toEqual([wrong[0], wrong[3], wrong[4]]);
  });

  test("can be read", async () => {
    const result = await checkLinearizable(wrong, register);
    expect(result.ok === false && result.rendering).toBe(
      [
        'Key "x" is not linearizable as a register (6 operations).',
        "No order explains these answers together, whatever was answered otherwise:",
        "  p: write(1)  [0 … 1 ms]",
        "  p: read() → 2  [6 … 7 ms]",
        "  p: read() → 1  [8 … 9 ms]",
        "The history is right until this answer:",
        "  p: read() → 1  [8 … 9 ms]",
        "An order that explains everything before it (4 operations):",
        "  at first: null",
        "  1. p: write(1)  [0 … 1 ms]  ⇒ 1",
        "  2. p: read() → 1  [2 … 3 ms]  ⇒ 1",
        "  3. p: write(2)  [4 … 5 ms]  ⇒ 2",
        "  4. p: read() → 2  [6 … 7 ms]  ⇒ 2",
      ].join("\n"),
    );
  });

  test("is little also of a long history", async () => {
    const history = simulatedRegister({
      seed: 3,
      operations: 400,
      clients: 5,
      fault: "stale-read",
    });
    const result = await checkLinearizable(history, register);
    if (result.ok !== false) throw new Error("a register with stale reads was accepted");
    expect(result.contradiction.length).toBeLessThan(10);
    const again = await checkLinearizable(result.contradiction, register);
    // Alone, without the writes whose answers do not matter, it is no less wrong.
    expect(again.ok).toBe(false);
  });

  test("is said of one key, however hard another is", async () => {
    const hard = subsetSum();
    const bad = { process: "p", key: "other", input: { type: "get" } as const, output: 5 };
    const history = [...hard, { ...bad, startedAt: 0, endedAt: 1 }];
    expect(await checkLinearizable(history, counterModel())).toMatchObject({
      ok: false,
      key: "other",
    });
  });
});

describe("a check without an answer", () => {
  test("says that the limit of memory was reached", async () => {
    const result = await checkLinearizable(subsetSum(), counterModel(), {
      configurationsMax: 2_000,
    });
    expect(result).toMatchObject({ ok: undefined, limit: "configurationsMax", keys: ["sum"] });
    expect(result.configurations).toBeLessThan(3_000 + 128 * 24);
  });

  test("says that the limit of time was reached", async () => {
    let now = 0;
    const clock = { now: () => (now += 10), endOfTurn: (fn: () => void) => void setImmediate(fn) };
    const options = { clock, timeLimit: "50ms" } as const;
    expect(await checkLinearizable(subsetSum(), counterModel(), options)).toMatchObject({
      ok: undefined,
      limit: "timeLimit",
      keys: ["sum"],
    });
  });

  test("lets other work run, and ends when its signal fires", async () => {
    const controller = new AbortController();
    let now = 0;
    const clock = {
      now: () => (now += 10),
      endOfTurn: (fn: () => void) => {
        controller.abort();
        setImmediate(fn);
      },
    };
    const options = { clock, signal: controller.signal };
    await expect(checkLinearizable(subsetSum(), counterModel(), options)).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
  });
});

describe("what cannot be checked is refused:", () => {
  const refused = { code: "ERR_INVALID_ARGUMENT" };

  test.each([
    ["an end before its start", at(5, 4, read, 1), /history\[0\]\.endedAt/],
    ["an end that is no number", at(5, Number.NaN, read, 1), /history\[0\]\.endedAt/],
    ["a start that is no time", at(Number.NEGATIVE_INFINITY, 4, read, 1), /startedAt/],
    [
      "a value that is no plain data",
      at(0, 1, read, new (class A {})() as never),
      /an instance of A/,
    ],
  ])("%s", async (_what, operation, message) => {
    const checking = checkLinearizable([operation], register);
    await expect(checking).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(message),
    });
  });

  test.each<[string, ReturnType<NonNullable<typeof register.traits>>, RegExp]>([
    ["a write that is said to change nothing", { effect: "none" }, /it changes the state/],
    [
      "a write that is said to need a state",
      { effect: "depends", needs: { state: 7 } },
      /the one it needs/,
    ],
    [
      "a write that is said to make another value",
      { effect: "depends", makes: { state: 7 } },
      /the one it makes/,
    ],
  ])("%s", async (_what, traits, message) => {
    const model = { ...register, traits: () => traits };
    const checking = checkLinearizable([at(0, 1, write(1))], model);
    await expect(checking).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(message),
    });
  });

  test("an add that is said to overwrite", async () => {
    const model: typeof counter = { ...counter, traits: () => ({ effect: "overwrites" }) };
    const add = { process: 1, key: "x", input: { type: "add", amount: 1 } as const };
    const history = [
      { ...add, startedAt: 0, endedAt: 1 },
      { ...add, startedAt: 2, endedAt: 3 },
    ];
    await expect(checkLinearizable(history, model)).rejects.toMatchObject(refused);
  });
  const counter = counterModel();
});

describe("a model of one's own", () => {
  type Pair = readonly [number, number];
  type Input = { readonly type: "move" | "read" };
  /** An account of two, where a step moves one from the left to the right: one object over two keys. */
  const pair: SequentialModel<Pair, Input, Pair> = {
    name: "pair",
    initial: [2, 0],
    step: ([left, right], { type }, output) => {
      if (type === "move") return left > 0 ? [[left - 1, right + 1]] : [];
      return output === undefined || output.join() === `${left},${right}` ? [[left, right]] : [];
    },
    key: () => "both",
    hash: ([left]) => `${left > 0}`,
    equals: (a, b) => a[0] === b[0],
  };
  const operation = (type: "move" | "read", startedAt: number, output?: Pair) => ({
    process: "p",
    key: `key ${startedAt}`,
    input: { type },
    output,
    startedAt,
    endedAt: startedAt + 1,
  });

  test("may take all keys for one object, and tell states apart by hash and equality", async () => {
    const good = [operation("move", 0), operation("move", 2), operation("read", 4, [0, 2])];
    const result = await checkLinearizable(good, pair);
    expect(result.ok && [...result.linearization.keys()]).toEqual(["both"]);
    const bad = [...good.slice(0, 2), operation("read", 4, [1, 1])];
    expect((await checkLinearizable(bad, pair)).ok).toBe(false);
    const tooMany = [...good, operation("move", 6)];
    expect((await checkLinearizable(tooMany, pair)).ok).toBe(false);
  });
});
