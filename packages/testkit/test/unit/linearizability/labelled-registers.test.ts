/** Histories of registers labelled by hand, each with the reason for its label. */
import { describe } from "@jest/globals";
import { registerModel, type RegisterInput, type RegisterOutput } from "../../../src/index.js";
import { labelled, type Call } from "./labelled.js";

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
