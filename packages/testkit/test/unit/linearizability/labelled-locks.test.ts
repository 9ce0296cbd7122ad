/** Histories of locks labelled by hand, each with the reason for its label. */
import { describe } from "@jest/globals";
import { lockModel, type LockInput, type LockOutput } from "../../../src/index.js";
import { labelled, type Call } from "./labelled.js";

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
