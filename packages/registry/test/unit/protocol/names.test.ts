import { describe, expect, test } from "@jest/globals";
import { isFoundationError } from "@foundation/core";
import {
  isOutdated,
  parseClaim,
  resolve,
  type Claim,
} from "../../../src/protocol/name-resolution.js";
import { checkName } from "../../../src/protocol/names.js";
import type { ChildSpec } from "../../../src/protocol/child-spec.js";
import { owner, spec } from "./cast.js";

function claim(node: number, incarnation = 0, generation = 0): Claim {
  const value = { serial: 1, definition: "counter", incarnation, generation, meta: undefined };
  return { owner: owner(node), value };
}

describe("the resolution of names", () => {
  test("nobody's name has no holder", () => {
    expect(resolve([])).toBeUndefined();
  });

  test("the greater incarnation wins, then the greater generation, then the greater owner", () => {
    expect(resolve([claim(9, 1, 9), claim(1, 2, 1)])?.owner).toEqual(owner(1));
    expect(resolve([claim(9, 1, 1), claim(1, 1, 2)])?.owner).toEqual(owner(1));
    expect(resolve([claim(1, 1, 1), claim(9, 1, 1)])?.owner).toEqual(owner(9));
  });

  test("a supervised child outranks a name given by hand", () => {
    expect(resolve([claim(9), claim(1, 1, 1)])?.owner).toEqual(owner(1));
  });

  test("what a peer wrote and is no claim is ignored", () => {
    for (const value of [null, 7, "x", {}, { serial: -1, incarnation: 0, generation: 0 }]) {
      expect(parseClaim(value)).toBeUndefined();
    }
    const { value } = claim(1);
    expect(parseClaim({ ...value, extra: 1 })).toEqual(value);
  });
});

describe("a location learnt from a reply", () => {
  const version = (
    node: number,
    incarnation: number,
    generation: number,
    state: ChildSpec["state"],
  ): ChildSpec => spec({ owner: owner(node), incarnation, generation, state });

  test.each([
    ["the child runs there", claim(1, 2, 1), version(1, 2, 1, "running"), false],
    ["an older spec says otherwise", claim(1, 2, 1), version(2, 1, 9, "failed"), false],
    ["the child was given up", claim(1, 2, 1), version(1, 2, 1, "failed"), true],
    ["the child was stopped", claim(1, 2, 1), version(1, 2, 1, "stopped"), true],
    ["another node won", claim(1, 2, 1), version(2, 2, 1, "running"), true],
    ["it was taken over", claim(1, 2, 1), version(2, 2, 2, "running"), true],
    ["it was started anew", claim(1, 2, 9), version(2, 3, 1, "failed"), true],
    ["it is no child, and one runs", claim(1), version(2, 1, 1, "running"), true],
    ["it is no child, and none runs", claim(1), version(2, 1, 1, "failed"), false],
  ])("when %s", (_, located, known, expected) => {
    expect(isOutdated(located, known)).toBe(expected);
  });
});

describe("what may be a name", () => {
  test("1 to 255 bytes of UTF-8 are allowed", () => {
    for (const name of ["a", "orders", "Bestellungen/ü", "x".repeat(255), "😀".repeat(63)]) {
      expect(() => checkName(name, 255)).not.toThrow();
    }
  });

  test.each([
    ["an empty name", ""],
    ["a name of 256 bytes", "x".repeat(256)],
    ["a name of 256 bytes in 64 characters", "😀".repeat(64)],
    ["a generated name", "$1234"],
    ["a lone surrogate", "\ud800"],
    ["what is no string", 7],
  ])("%s is refused with the reason", (_what, name) => {
    let thrown: unknown;
    try {
      checkName(name, 255);
    } catch (error) {
      thrown = error;
    }
    expect(isFoundationError(thrown, "ERR_NAME_INVALID")).toBe(true);
  });
});
