/** Histories of keys of a store, counters and sets labelled by hand, each with the reason for its label. */
import { describe } from "@jest/globals";
import {
  counterModel,
  keyValueModel,
  setModel,
  type CounterInput,
  type KeyValueInput,
  type KeyValueOutput,
  type SetInput,
  type SetOutput,
} from "../../../src/index.js";
import { labelled, type Call } from "./labelled.js";

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
        "of two equal adds, the one that ends first counted first",
        [
          ["a", add(1), 0, 5],
          ["b", add(1), 0, 50],
          ["c", get(1), 1, 2],
          ["c", get(1), 10, 11],
          ["c", get(2), 60, 61],
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
