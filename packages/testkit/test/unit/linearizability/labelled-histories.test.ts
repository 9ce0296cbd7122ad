/**
 * Histories labelled by hand, each with the reason for its label. The checker must agree with all of them.
 *
 * A line is `process: operation @ start-end`; `@ start-` is an operation without an answer.
 */
import { describe, expect, test } from "@jest/globals";
import {
  checkLinearizable,
  counterModel,
  keyValueModel,
  lockModel,
  registerModel,
  setModel,
  type CounterInput,
  type HistoryOperation,
  type KeyValueInput,
  type KeyValueOutput,
  type LockInput,
  type LockOutput,
  type RegisterInput,
  type RegisterOutput,
  type SequentialModel,
  type SetInput,
  type SetOutput,
} from "../../../src/index.js";

type Call<I, O> = readonly [input: I, output?: O | undefined];
type Line<I, O> = readonly [
  process: string,
  call: Call<I, O>,
  startedAt: number,
  endedAt?: number,
  key?: string,
];
type Label<I, O> = readonly [why: string, lines: readonly Line<I, O>[]];

const history = <I, O>(lines: readonly Line<I, O>[]): HistoryOperation<I, O>[] =>
  lines.map(([process, [input, output], startedAt, endedAt, key]) => ({
    process,
    key: key ?? "x",
    input,
    output,
    startedAt,
    endedAt: endedAt ?? Number.POSITIVE_INFINITY,
  }));

function labelled<S, I, O>(
  model: SequentialModel<S, I, O>,
  good: readonly Label<I, O>[],
  bad: readonly Label<I, O>[],
): void {
  test.each(good)("right: %s", async (_why, lines) => {
    expect(await checkLinearizable(history(lines), model)).toMatchObject({ ok: true });
  });
  test.each(bad)("wrong: %s", async (_why, lines) => {
    expect(await checkLinearizable(history(lines), model)).toMatchObject({ ok: false });
  });
}

describe("a register's history is", () => {
  type R = Call<RegisterInput<number>, RegisterOutput<number>>;
  const read = (output: number): R => [{ type: "read" }, output];
  const write = (value: number): R => [{ type: "write", value }];
  const cas = (expected: number, value: number, output?: boolean): R => [
    { type: "compareAndSet", expected, value },
    output,
  ];
  labelled(
    registerModel(0),
    [
      ["nothing happened", []],
      ["a read sees the initial value", [["a", read(0), 0, 1]]],
      [
        "a read sees the write before it",
        [
          ["a", write(1), 0, 1],
          ["b", read(1), 2, 3],
        ],
      ],
      [
        "a read during a write may see the old value",
        [
          ["a", write(1), 0, 9],
          ["b", read(0), 3, 5],
        ],
      ],
      [
        "a read during a write may see the new value",
        [
          ["a", write(1), 0, 9],
          ["b", read(1), 3, 5],
        ],
      ],
      [
        "old, then new, while the write is under way",
        [
          ["a", write(1), 0, 9],
          ["b", read(0), 1, 2],
          ["b", read(1), 3, 4],
        ],
      ],
      [
        "two concurrent writes may come in either order, and readers see one order",
        [
          ["a", write(1), 0, 9],
          ["b", write(2), 0, 9],
          ["c", read(2), 10, 11],
          ["d", read(2), 12, 13],
        ],
      ],
      [
        "a write that nobody reads may come right before one that overwrites it",
        [
          ["a", write(1), 0, 9],
          ["b", write(2), 1, 2],
          ["c", read(2), 3, 8],
          ["c", read(2), 10, 11],
        ],
      ],
      [
        "a write comes after one that began later, at its own last moment",
        [
          ["a", write(1), 0, 5],
          ["b", write(2), 1, 2],
          ["c", read(2), 2.5, 3],
          ["c", read(1), 6, 7],
        ],
      ],
      [
        "an answer and a call at one instant are concurrent",
        [
          ["a", write(1), 0, 5],
          ["b", read(0), 5, 6],
        ],
      ],
      [
        "a write without an answer may take effect long after",
        [
          ["a", write(1), 0],
          ["b", read(0), 100, 101],
          ["b", read(1), 200, 201],
        ],
      ],
      [
        "a write without an answer may never take effect",
        [
          ["a", write(1), 0],
          ["b", read(0), 100, 101],
          ["b", read(0), 200, 201],
        ],
      ],
      [
        "one of two equal compare-and-sets wins",
        [
          ["a", cas(0, 1, true), 0, 5],
          ["b", cas(0, 2, false), 0, 5],
          ["c", read(1), 6, 7],
        ],
      ],
      [
        "a chain of compare-and-sets, answered in the opposite order",
        [
          ["a", cas(2, 3, true), 0, 7],
          ["b", cas(1, 2, true), 0, 8],
          ["c", cas(0, 1, true), 0, 9],
        ],
      ],
      [
        "a compare-and-set without an answer explains a value",
        [
          ["a", cas(0, 1), 0],
          ["b", read(1), 5, 6],
        ],
      ],
      [
        "a compare-and-set fails since a value was there in between",
        [
          ["a", write(1), 0, 9],
          ["b", write(0), 0, 9],
          ["c", cas(0, 5, false), 0, 9],
          ["c", read(0), 10, 11],
        ],
      ],
      [
        "each of two keys is right by itself",
        [
          ["a", write(1), 0, 1, "x"],
          ["b", read(0), 2, 3, "y"],
          ["b", read(1), 4, 5, "x"],
        ],
      ],
    ],
    [
      [
        "a read of a value that nobody wrote",
        [
          ["a", write(1), 0, 1],
          ["b", read(7), 2, 3],
        ],
      ],
      [
        "a stale read after the write was answered",
        [
          ["a", write(1), 0, 1],
          ["b", read(0), 2, 3],
        ],
      ],
      [
        "a read sees a write that began after it",
        [
          ["b", read(1), 0, 1],
          ["a", write(1), 2, 3],
        ],
      ],
      [
        "new, then old, while the write is under way",
        [
          ["a", write(1), 0, 9],
          ["b", read(1), 1, 2],
          ["b", read(0), 3, 4],
        ],
      ],
      [
        "two readers see two concurrent writes in opposite orders",
        [
          ["a", write(1), 0, 1],
          ["b", write(2), 0, 1],
          ["c", read(1), 2, 3],
          ["c", read(2), 4, 5],
          ["d", read(2), 2, 3],
          ["d", read(1), 4, 5],
        ],
      ],
      [
        "a lost write: it was answered, and the value before it is there for ever",
        [
          ["a", write(1), 0, 1],
          ["a", write(2), 2, 3],
          ["b", read(1), 4, 5],
          ["b", read(1), 6, 7],
        ],
      ],
      [
        "a write is applied twice: its value comes back after another one",
        [
          ["a", write(1), 0, 1],
          ["b", write(2), 2, 3],
          ["c", read(2), 4, 5],
          ["c", read(1), 6, 7],
        ],
      ],
      [
        "a write without an answer is applied twice",
        [
          ["a", write(1), 0],
          ["b", read(1), 1, 2],
          ["b", write(2), 3, 4],
          ["b", read(2), 5, 6],
          ["b", read(1), 7, 8],
        ],
      ],
      [
        "a write without an answer is seen before it began",
        [
          ["b", read(1), 0, 1],
          ["a", write(1), 2],
        ],
      ],
      [
        "two compare-and-sets of one value both win",
        [
          ["a", cas(0, 1, true), 0, 5],
          ["b", cas(0, 2, true), 0, 5],
        ],
      ],
      [
        "a compare-and-set wins against a value that was not there",
        [
          ["a", write(1), 0, 1],
          ["b", cas(0, 2, true), 2, 3],
        ],
      ],
      [
        "a compare-and-set fails though its value was there all the time",
        [
          ["a", cas(0, 1, false), 0, 5],
          ["b", read(0), 0, 9],
        ],
      ],
      [
        "a compare-and-set that failed took effect",
        [
          ["a", cas(5, 1, false), 0, 1],
          ["b", read(1), 2, 3],
        ],
      ],
      [
        "one of two keys is wrong",
        [
          ["a", write(1), 0, 1, "x"],
          ["b", read(1), 2, 3, "x"],
          ["a", write(1), 0, 1, "y"],
          ["b", read(0), 2, 3, "y"],
        ],
      ],
    ],
  );
});

describe("the history of a key of a store is", () => {
  type K = Call<KeyValueInput<string>, KeyValueOutput<string>>;
  const get = (output: string | null): K => [{ type: "get" }, output];
  const put = (value: string): K => [{ type: "put", value }];
  const del = (output?: boolean): K => [{ type: "delete" }, output];
  const create = (value: string, output?: boolean): K => [
    { type: "compareAndSet", expected: null, value },
    output,
  ];
  labelled(
    keyValueModel<string>(),
    [
      [
        "absent, put, there",
        [
          ["a", get(null), 0, 1],
          ["a", put("v"), 2, 3],
          ["b", get("v"), 4, 5],
        ],
      ],
      [
        "deleted once, by one of two",
        [
          ["a", put("v"), 0, 1],
          ["a", del(true), 2, 5],
          ["b", del(false), 2, 5],
        ],
      ],
      [
        "a delete without an answer explains why it is gone",
        [
          ["a", put("v"), 0, 1],
          ["b", del(), 2],
          ["c", get("v"), 3, 4],
          ["c", get(null), 5, 6],
        ],
      ],
      [
        "created by one of two",
        [
          ["a", create("v", true), 0, 5],
          ["b", create("w", false), 0, 5],
          ["c", get("v"), 6, 7],
        ],
      ],
    ],
    [
      [
        "it is there again after its delete",
        [
          ["a", put("v"), 0, 1],
          ["a", del(true), 2, 3],
          ["b", get("v"), 4, 5],
        ],
      ],
      [
        "deleted by both of two",
        [
          ["a", put("v"), 0, 1],
          ["a", del(true), 2, 5],
          ["b", del(true), 2, 5],
        ],
      ],
      [
        "created by both of two",
        [
          ["a", create("v", true), 0, 5],
          ["b", create("w", true), 0, 5],
        ],
      ],
    ],
  );
});

describe("a lock's history is", () => {
  type L = Call<LockInput, LockOutput>;
  const acquire = (output?: number | null): L => [{ type: "acquire" }, output];
  const release = (token: number, output?: boolean): L => [{ type: "release", token }, output];
  const use = (token: number, output?: boolean): L => [{ type: "use", token }, output];
  labelled(
    lockModel(),
    [
      [
        "acquired, used, released, acquired anew",
        [
          ["a", acquire(1), 0, 1],
          ["a", use(1, true), 2, 3],
          ["a", release(1, true), 4, 5],
          ["b", acquire(2), 6, 7],
        ],
      ],
      [
        "refused while another holds it",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(null), 2, 3],
        ],
      ],
      [
        "a lease ran out, and the old holder is refused by the resource",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(2), 100, 101],
          ["b", use(2, true), 102, 103],
          ["a", use(1, false), 104, 105],
        ],
      ],
      [
        "a lease ran out, and the old holder was first all the same",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(2), 100, 101],
          ["a", use(1, true), 102, 103],
          ["b", use(2, true), 104, 105],
        ],
      ],
      [
        "tokens may leave numbers out",
        [
          ["a", acquire(1), 0, 1],
          ["a", release(1, true), 2, 3],
          ["b", acquire(7), 4, 5],
        ],
      ],
      [
        "a grant that nobody heard of explains a refusal",
        [
          ["a", acquire(), 0],
          ["b", acquire(null), 1, 2],
        ],
      ],
      [
        "its lease had run out when it was released",
        [
          ["a", acquire(1), 0, 1],
          ["a", release(1, false), 100, 101],
          ["b", acquire(2), 102, 103],
        ],
      ],
    ],
    [
      [
        "a token is granted twice",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(1), 100, 101],
        ],
      ],
      [
        "a later grant has a smaller token",
        [
          ["a", acquire(5), 0, 1],
          ["b", acquire(4), 100, 101],
        ],
      ],
      [
        "the resource takes an older token after a newer one",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(2), 2, 3],
          ["b", use(2, true), 4, 5],
          ["a", use(1, true), 6, 7],
        ],
      ],
      [
        "the resource refuses the newest token",
        [
          ["a", acquire(1), 0, 1],
          ["a", use(1, true), 2, 3],
          ["a", use(1, false), 4, 5],
        ],
      ],
      [
        "refused though nobody holds it",
        [
          ["a", acquire(1), 0, 1],
          ["a", release(1, true), 2, 3],
          ["b", acquire(null), 4, 5],
        ],
      ],
      [
        "released twice",
        [
          ["a", acquire(1), 0, 1],
          ["a", release(1, true), 2, 3],
          ["a", release(1, true), 4, 5],
        ],
      ],
      [
        "concurrent grants with one token",
        [
          ["a", acquire(3), 0, 9],
          ["b", acquire(3), 0, 9],
        ],
      ],
    ],
  );
});

describe("the history of a lock without leases is", () => {
  type L = Call<LockInput, LockOutput>;
  const acquire = (output?: number | null): L => [{ type: "acquire" }, output];
  const release = (token: number, output?: boolean): L => [{ type: "release", token }, output];
  labelled(
    lockModel({ leases: false }),
    [
      [
        "acquired while its release is under way",
        [
          ["a", acquire(1), 0, 1],
          ["a", release(1, true), 2, 9],
          ["b", acquire(2), 3, 4],
        ],
      ],
    ],
    [
      [
        "two holders at one time",
        [
          ["a", acquire(1), 0, 1],
          ["b", acquire(2), 2, 3],
          ["a", release(1, true), 4, 5],
        ],
      ],
    ],
  );
});

describe("a counter's history is", () => {
  type C = Call<CounterInput, number>;
  const get = (output: number): C => [{ type: "get" }, output];
  const add = (amount: number, output?: number): C => [{ type: "add", amount }, output];
  labelled(
    counterModel(),
    [
      [
        "concurrent adds are all counted",
        [
          ["a", add(1), 0, 5],
          ["b", add(2), 0, 5],
          ["c", get(3), 6, 7],
        ],
      ],
      [
        "a read sees some of the concurrent adds",
        [
          ["a", add(1), 0, 5],
          ["b", add(2), 0, 5],
          ["c", get(2), 1, 4],
        ],
      ],
      [
        "each number of a sequence is given once",
        [
          ["a", add(1, 2), 0, 5],
          ["b", add(1, 1), 0, 5],
        ],
      ],
    ],
    [
      [
        "an add is lost",
        [
          ["a", add(1), 0, 5],
          ["b", add(1), 0, 5],
          ["c", get(1), 6, 7],
        ],
      ],
      [
        "an add counts twice",
        [
          ["a", add(1), 0, 1],
          ["c", get(2), 2, 3],
        ],
      ],
      [
        "an add without an answer counts twice",
        [
          ["a", add(1), 0],
          ["c", get(1), 2, 3],
          ["c", get(2), 4, 5],
        ],
      ],
      [
        "a number of a sequence is given twice",
        [
          ["a", add(1, 1), 0, 5],
          ["b", add(1, 1), 0, 5],
        ],
      ],
    ],
  );
});

describe("a set's history is", () => {
  type S = Call<SetInput<string>, SetOutput<string>>;
  const call = (type: "add" | "remove" | "has", element: string, output?: boolean): S => [
    { type, element },
    output,
  ];
  const elements = (...output: string[]): S => [{ type: "elements" }, output];
  labelled(
    setModel<string>(),
    [
      [
        "what was added is there, in any order",
        [
          ["a", call("add", "p"), 0, 1],
          ["a", call("add", "q"), 2, 3],
          ["b", elements("q", "p"), 4, 5],
        ],
      ],
      [
        "one of two removes finds it",
        [
          ["a", call("add", "p", true), 0, 1],
          ["a", call("remove", "p", true), 2, 5],
          ["b", call("remove", "p", false), 2, 5],
        ],
      ],
    ],
    [
      [
        "an element comes back by itself",
        [
          ["a", call("add", "p"), 0, 1],
          ["a", call("remove", "p"), 2, 3],
          ["b", call("has", "p", true), 4, 5],
        ],
      ],
      [
        "an add is lost",
        [
          ["a", call("add", "p"), 0, 1],
          ["a", call("add", "q"), 2, 3],
          ["b", elements("q"), 4, 5],
        ],
      ],
    ],
  );
});
